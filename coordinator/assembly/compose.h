#pragma once
// Draws a sheet as laid out: the character's name, the views on their own grounds with the guide
// lines under the figures, a caption below each, hatched cells with the reason for gaps. All
// captions have one size, the largest at which the longest fits its cell. libvips resizes and sets
// the type; equal inputs give equal bytes.

#include <cstdint>
#include <map>
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
  std::uint32_t take = 1;
  const Image* image = nullptr;  // RGB; null: a gap
  std::string why;               // of a gap; may be ""
};

struct ComposedSheet {
  std::vector<std::uint8_t> picture, thumbnail;  // PNG
};

// views: as many as the layout has cells. texts: of both PNGs, by keyword.
Result<ComposedSheet> compose(const std::string& title, const std::vector<ComposedView>& views,
                              const Layout& layout,
                              const std::map<std::string, std::string>& texts);

}  // namespace pirouette::assembly
