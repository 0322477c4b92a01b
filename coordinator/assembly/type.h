#pragma once
// Words on a sheet, set by libvips in DejaVu Sans. What does not fit is set smaller, and what would
// be too small to read is cut and ends in "…". Functions throw vips::VError: they run within
// with_vips.

#include <string>
#include <vector>

#include "coordinator/assembly/canvas.h"

namespace pirouette::assembly {

// An x of DejaVu Sans is 0.547 em high by its own tables, so that below 9 pixels small letters have
// less than five rows and run together.
inline constexpr int kLegiblePx = 9;

// The largest size up to wanted_px at which no line is wider than the room; may be illegible.
int fitting_px(const std::vector<std::string>& lines, bool bold, int wanted_px, int room_px);

// In the middle of the room, cut to its width. Lines of one size in rooms of one height stand on
// one baseline.
void paint_line(Canvas& canvas, const std::string& text, bool bold, int px, Rgb colour,
                const Box& room);

// As many lines as the room holds, each in its middle, and all of them in the middle.
void paint_paragraph(Canvas& canvas, const std::string& text, int px, Rgb colour, const Box& room);

}  // namespace pirouette::assembly
