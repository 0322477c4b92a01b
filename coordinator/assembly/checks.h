#pragma once
// What assembly notices about a sheet's views, for people to sort by. Flags never discard a
// picture. Pure.

#include <optional>
#include <string>
#include <vector>

#include "common/image/image.h"
#include "coordinator/assembly/layout.h"

namespace pirouette::assembly {

// The names of flags, as they stand in checks and in the API.
inline constexpr std::string_view kFlagGap = "gap";              // the pose failed for good
inline constexpr std::string_view kFlagFlat = "flat";            // one colour; nothing on it
inline constexpr std::string_view kFlagNoFigure = "no_figure";   // none found; placed whole
inline constexpr std::string_view kFlagBorder = "border";        // the figure touches the border
inline constexpr std::string_view kFlagHeight = "height";        // off the median by > 3 %
inline constexpr std::string_view kFlagExtra = "extra_figure";   // more than one large piece
inline constexpr std::string_view kFlagDuplicate = "duplicate";  // looks like another view

// Mean colour difference of 255 up to which two views are one picture. The figures of
// deploy/characters differ by up to 2.4 from themselves at twice the size, by 8 to 42 from their
// mirror images and by 40 and more from each other. Of 100 seeded characters one has two true
// views that are nearer (3.2, front and back); the nearest two differ by 21 in the median.
inline constexpr double kDuplicateDifference = 5;

struct CheckedView {
  std::string id;
  const Image* image = nullptr;  // null: a gap
  std::optional<Figure> figure;
};

// JSON: [{"view", "flag", "detail"}], in the views' order.
std::string check_views(const std::vector<CheckedView>& views, const Layout& layout);

}  // namespace pirouette::assembly
