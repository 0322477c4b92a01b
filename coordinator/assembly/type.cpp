// See type.h.

#include "coordinator/assembly/type.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "coordinator/assembly/vips_session.h"

namespace pirouette::assembly {
namespace {

using vips::VImage;

// DejaVu Sans, by its own tables, in em.
constexpr double kLineHeight = 1.164;
constexpr const char* kEllipsis = "\xe2\x80\xa6";
// Nothing longer fits anywhere; what is longer need not be measured.
constexpr std::size_t kLineMaxBytes = 400;

Image as_mask(const VImage& from) {
  Image mask{from.width(), from.height(), from.bands(), {}};
  std::size_t size = 0;
  void* memory = from.write_to_memory(&size);
  const auto* first = static_cast<const std::uint8_t*>(memory);
  mask.pixels.assign(first, first + size);
  g_free(memory);
  return mask;
}

// Pango reads markup; what users wrote is literal.
std::string without_markup(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// A mask of text that is not blank, cropped to its ink. width_px: lines are broken there; 0: one
// line.
VImage set_type(const std::string& text, bool bold, int px, int width_px = 0) {
  const std::string font = std::string("DejaVu Sans ") + (bold ? "Bold " : "") + std::to_string(px);
  // At 72 dots an inch a point is a pixel.
  vips::VOption* const options = VImage::option()->set("font", font.c_str())->set("dpi", 72);
  if (width_px > 0) {
    options->set("width", width_px)
        ->set("wrap", VIPS_TEXT_WRAP_WORD_CHAR)
        ->set("align", VIPS_ALIGN_CENTRE);
  }
  return VImage::text(without_markup(text).c_str(), options);
}

// At most so many bytes of whole UTF-8 characters.
std::string head_of(const std::string& text, std::size_t bytes) {
  if (bytes >= text.size()) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

// The text if it fits, or as much of it as fits with "…" behind it.
std::string cut_to(const std::string& text, const std::function<bool(const std::string&)>& fits) {
  const std::string whole = head_of(text, kLineMaxBytes);
  if (whole.size() == text.size() && fits(whole)) return whole;
  std::size_t fitting = 0, too_long = whole.size() + 1;
  while (too_long - fitting > 1) {
    const std::size_t middle = fitting + (too_long - fitting) / 2;
    (fits(head_of(whole, middle) + kEllipsis) ? fitting : too_long) = middle;
  }
  std::string head = head_of(whole, fitting);
  while (head.ends_with(' ')) head.pop_back();
  return head + kEllipsis;
}

int line_px(int px) { return static_cast<int>(std::lround(kLineHeight * px)); }

}  // namespace

int fitting_px(const std::vector<std::string>& lines, bool bold, int wanted_px, int room_px) {
  int px = wanted_px;
  for (const std::string& line : lines) {
    while (px > 1 && !is_blank(line)) {
      const int width = set_type(head_of(line, kLineMaxBytes), bold, px).width();
      if (width <= room_px) break;
      px = std::clamp(px * room_px / width, 1, px - 1);
    }
  }
  return px;
}

// The line is centred as if it had every ascender and descender, and its ink keeps its place in it.
void paint_line(Canvas& canvas, const std::string& text, bool bold, int px, Rgb colour,
                const Box& room) {
  if (is_blank(text)) return;
  const std::string line = cut_to(text, [&](const std::string& candidate) {
    return set_type(candidate, bold, px).width() <= room.width;
  });
  const VImage ink = set_type(line, bold, px);
  canvas.stencil(as_mask(ink), room.left + (room.width - ink.width()) / 2,
                 room.top + (room.height - line_px(px)) / 2 + ink.yoffset(), colour);
}

void paint_paragraph(Canvas& canvas, const std::string& text, int px, Rgb colour, const Box& room) {
  if (is_blank(text) || room.width < 1 || room.height < line_px(px)) return;
  const std::string shown = cut_to(text, [&](const std::string& candidate) {
    return set_type(candidate, false, px, room.width).height() <= room.height;
  });
  const VImage ink = set_type(shown, false, px, room.width);
  canvas.stencil(as_mask(ink), room.left + (room.width - ink.width()) / 2,
                 room.top + (room.height - ink.height()) / 2, colour);
}

}  // namespace pirouette::assembly
