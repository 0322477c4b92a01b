#pragma once
// Draws a sheet as laid out: a title, the views on their own grounds, a label below each, hatched
// cells for gaps. All labels have one size, the largest at which the longest fits its cell. libvips
// resizes and sets the type; equal inputs give equal bytes.

#include <cstdint>
#include <string>
#include <vector>

#include "common/image/image.h"
#include "common/result.h"
#include "coordinator/assembly/layout.h"

namespace pirouette::assembly {

inline constexpr int kSheetThumbnailHeightPx = 240;

struct ComposedView {
  std::string id, name;
  int azimuth_deg = 0;
  const Image* image = nullptr;  // RGB; null: a gap
};

struct ComposedSheet {
  std::vector<std::uint8_t> picture, thumbnail;  // PNG
};

// views: as many as the layout has cells.
Result<ComposedSheet> compose(const std::string& title, const std::vector<ComposedView>& views,
                              const Layout& layout);

}  // namespace pirouette::assembly
