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
inline constexpr std::string_view kFlagHeight = "height";        // off the medians by > 3 %
inline constexpr std::string_view kFlagExtra = "extra_figure";   // more than one large piece
inline constexpr std::string_view kFlagDuplicate = "duplicate";  // looks like another view
inline constexpr std::string_view kFlagMirrored = "mirrored";    // another view's mirror image

// Difference of likenesses, of 255, up to which two views are one picture. Measured on all pairs of
// eight true views of 100 seeded characters: the nearest two differ by 36, one of a thousand by
// less than 41, half by 139 and more; a view and its mirrored counterpart, where the character is
// one-sided, by 28 and more. The same view drawn again, up to 10 % smaller, aside and with noise of
// +-12 on every channel, differs by 8 in the median and by less than 21 in 99 of 100.
inline constexpr double kSameDifference = 26;
// Difference of a front or back view from its own mirror image, from which on a character is not
// the same on both sides: 79 of those 100 are beyond it.
inline constexpr double kOneSidedDifference = 60;

struct CheckedView {
  std::string id;
  int azimuth_deg = 0;
  const Image* image = nullptr;  // null: a gap
  std::optional<Figure> figure;
};

// JSON: [{"view", "flag", "detail"}], in the views' order.
std::string check_views(const std::vector<CheckedView>& views, const Layout& layout);

}  // namespace pirouette::assembly
