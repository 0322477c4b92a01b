// The views of a turnaround and the sets made of them. Names and geometry are the words that turn
// Kontext reliably: they say what the picture must not show (no face from behind) and where the
// figure faces on the screen, because "left" alone is read both ways.

#include "common/job/pose_sets.h"

#include <algorithm>
#include <cstdlib>

#include "common/job/fields.h"

namespace pirouette {
namespace {

struct NamedSet {
  std::string_view name;
  std::vector<int> azimuths;
};

// std6 is the order in which the turnaround LoRA was trained; the others are the industry's.
const std::vector<NamedSet>& named_sets() {
  static const std::vector<NamedSet> sets = {
      {"std6", {0, 45, 90, 180, 270, 315}},
      {"turn5", {0, 45, 90, 135, 180}},
      {"ortho4", {0, 90, 180, 270}},
      {"game8", {0, 45, 90, 135, 180, 225, 270, 315}},
  };
  return sets;
}

// Half of the 45 degrees between two views: nearer to front or back than to a three-quarter view.
constexpr int kFacingToleranceDeg = 22;

View make_view(std::string id, int azimuth_deg, std::string name, std::string geometry) {
  View view{std::move(id), azimuth_deg, std::move(name), std::move(geometry), "", ""};
  view.shows_side = job::side_shown(azimuth_deg);
  view.faces_screen = job::screen_faced(azimuth_deg);
  return view;
}

}  // namespace

std::string job::side_shown(int azimuth_deg) {
  if (azimuth_deg <= kFacingToleranceDeg || azimuth_deg >= 360 - kFacingToleranceDeg) {
    return "front";
  }
  if (std::abs(azimuth_deg - 180) <= kFacingToleranceDeg) return "back";
  return azimuth_deg < 180 ? "left" : "right";
}

std::string job::screen_faced(int azimuth_deg) {
  const std::string side = side_shown(azimuth_deg);
  if (side == "front") return "viewer";
  if (side == "back") return "away";
  return side;  // facing screen-left shows the subject's left side
}

const std::vector<View>& standard_views() {
  static const std::vector<View> views = {
      make_view("front", 0, "front view", "facing the viewer"),
      make_view("q_left", 45, "three-quarter left view", "turned 45 degrees, facing screen-left"),
      make_view("left", 90, "left side profile view", "strict profile facing screen-left"),
      make_view("q_back_left", 135, "three-quarter back view",
                "rear view turned to screen-left, no face"),
      make_view("back", 180, "back view",
                "facing directly away: back of head and hair, no face, no front closures or chest "
                "emblem"),
      make_view("q_back_right", 225, "three-quarter back view",
                "rear view turned to screen-right, no face"),
      make_view("right", 270, "right side profile view", "strict profile facing screen-right"),
      make_view("q_right", 315, "three-quarter right view",
                "turned 45 degrees, facing screen-right"),
  };
  return views;
}

std::vector<std::string> pose_set_names() {
  std::vector<std::string> names;
  for (const NamedSet& set : named_sets()) names.emplace_back(set.name);
  return names;
}

Result<PoseSet> named_pose_set(std::string_view name) {
  for (const NamedSet& set : named_sets()) {
    if (set.name != name) continue;
    PoseSet views;
    for (const View& view : standard_views()) {
      const auto& wanted = set.azimuths;
      if (std::find(wanted.begin(), wanted.end(), view.azimuth_deg) != wanted.end()) {
        views.push_back(view);
      }
    }
    return views;
  }
  return Error{Errc::not_found, "there is no pose set " + job::in_quotes(name) + "; there are " +
                                    job::listed(pose_set_names())};
}

}  // namespace pirouette
