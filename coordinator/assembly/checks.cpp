// See checks.h.

#include "coordinator/assembly/checks.h"

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

void check_figure(const CheckedView& view, double median_body_px, Flags& flags) {
  const Figure& figure = *view.figure;
  if (figure.touches_border) {
    flags.add(view.id, kFlagBorder, "the figure touches the picture's border and may be cut off");
  }
  const double deviation = height_deviation(figure, median_body_px);
  if (std::abs(deviation) > kHeightTolerance) {
    flags.add(view.id, kFlagHeight,
              "the body is " + percent(deviation) + (deviation > 0 ? " taller" : " shorter") +
                  " than the sheet's median" +
                  (std::abs(deviation) > kHeightWild ? "; shown whole, not to scale" : ""));
  }
  if (figure.large_pieces > 1) {
    flags.add(view.id, kFlagExtra,
              std::to_string(figure.large_pieces) + " large separate pieces; one figure expected");
  }
}

}  // namespace

std::string check_views(const std::vector<CheckedView>& views, const Layout& layout) {
  Flags flags;
  struct Seen {
    std::string id;
    Likeness likeness;
  };
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
    check_figure(view, layout.median_body_px, flags);
    const Likeness own = likeness(*view.image, view.figure->box);
    for (const Seen& other : seen) {
      if (difference(other.likeness, own) > kDuplicateDifference) continue;
      flags.add(view.id, kFlagDuplicate, "looks the same as " + other.id);
      break;
    }
    seen.push_back({view.id, own});
  }
  return flags.dump();
}

}  // namespace pirouette::assembly
