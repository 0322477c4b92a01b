// See checks.h.

#include "coordinator/assembly/checks.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/image/flatness.h"

namespace pirouette::assembly {
namespace {

using nlohmann::ordered_json;

class Flags {
 public:
  void add(const std::string& view, std::string_view flag, const std::string& detail) {
    list_.push_back({{"view", view}, {"flag", flag}, {"detail", detail}});
  }
  std::string dump() const {
    return list_.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }

 private:
  ordered_json list_ = ordered_json::array();
};

std::string percent(double share) {
  const double tenths = std::round(std::abs(share) * 1000);
  return std::to_string(static_cast<int>(tenths) / 10) + "." +
         std::to_string(static_cast<int>(tenths) % 10) + " %";
}

void check_figure(const CheckedView& view, const Heights& medians, Flags& flags) {
  const Figure& figure = *view.figure;
  if (figure.touches_border) {
    flags.add(view.id, kFlagBorder, "the figure touches the picture's border and may be cut off");
  }
  const double deviation = height_deviation(figure, medians);
  if (std::abs(deviation) > kHeightTolerance) {
    flags.add(view.id, kFlagHeight,
              "the figure is " + percent(deviation) + (deviation > 0 ? " taller" : " shorter") +
                  " than the sheet's median" +
                  (std::abs(deviation) > kHeightWild ? "; shown whole, not to scale" : ""));
  }
  if (figure.large_pieces > 1) {
    flags.add(view.id, kFlagExtra,
              std::to_string(figure.large_pieces) + " large separate pieces; one figure expected");
  }
}

struct Seen {
  std::string id;
  int azimuth_deg = 0;
  Likeness likeness;
};

// The view from the opposite side of the picture's plane: left and right, seen past the front.
bool are_counterparts(const Seen& a, const Seen& b) {
  return a.azimuth_deg != b.azimuth_deg && (a.azimuth_deg + b.azimuth_deg) % 360 == 0;
}

// Whether a view along the body's plane of symmetry shows that there is none.
bool is_one_sided(const std::vector<CheckedView>& views) {
  return std::any_of(views.begin(), views.end(), [](const CheckedView& view) {
    if (view.image == nullptr || !view.figure || view.azimuth_deg % 180 != 0) return false;
    const Likeness own = likeness(*view.image, view.figure->box);
    return difference(own, mirrored(own)) >= kOneSidedDifference;
  });
}

// What the last of them has to do with those before it.
void check_pairs(const std::vector<Seen>& views, bool is_one_sided, Flags& flags) {
  const Seen& own = views.back();
  for (std::size_t i = 0; i + 1 < views.size(); ++i) {
    const Seen& other = views[i];
    if (difference(other.likeness, own.likeness) <= kSameDifference) {
      flags.add(own.id, kFlagDuplicate, "looks the same as " + other.id);
      return;
    }
    if (is_one_sided && are_counterparts(own, other) &&
        difference(other.likeness, mirrored(own.likeness)) <= kSameDifference) {
      flags.add(own.id, kFlagMirrored,
                "is the mirror image of " + other.id +
                    ", though the character is not the same on both sides");
      return;
    }
  }
}

}  // namespace

std::string check_views(const std::vector<CheckedView>& views, const Layout& layout) {
  Flags flags;
  const bool one_sided = is_one_sided(views);
  std::vector<Seen> seen;
  for (const CheckedView& view : views) {
    if (view.image == nullptr) {
      flags.add(view.id, kFlagGap, "the pose failed for good; its place is marked");
      continue;
    }
    if (const auto flatness = find_flatness(*view.image)) {
      flags.add(view.id, kFlagFlat, "the picture is flat: " + *flatness + "; render it again");
      continue;
    }
    if (!view.figure) {
      flags.add(view.id, kFlagNoFigure,
                "no figure on a plain ground was found; the picture is shown whole");
      continue;
    }
    check_figure(view, layout.medians, flags);
    seen.push_back({view.id, view.azimuth_deg, likeness(*view.image, view.figure->box)});
    check_pairs(seen, one_sided, flags);
  }
  return flags.dump();
}

}  // namespace pirouette::assembly
