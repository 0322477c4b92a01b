// See compose.h. The sheet is painted into one block of pixels; libvips makes what is painted.

#include "coordinator/assembly/compose.h"

#include <algorithm>
#include <cmath>

#include "coordinator/assembly/vips_session.h"

namespace pirouette::assembly {
namespace {

using vips::VImage;

constexpr Rgb kInk{38, 40, 46};
constexpr Rgb kPaleInk{122, 126, 136};
constexpr Rgb kRule{222, 224, 229};
constexpr Rgb kHatch{236, 214, 210};
constexpr Rgb kGapInk{176, 72, 60};

// DejaVu Sans, by its own tables: a line is 1.164 em high, and an x 0.547 em, so that below 9
// pixels small letters have less than five rows and run together.
constexpr double kLineHeight = 1.164;
constexpr int kLegiblePx = 9;

// The sheet while it is painted. White at first; what is outside is clipped.
class Canvas {
 public:
  Canvas(int width, int height) : image_{width, height, 3, {}} {
    image_.pixels.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3,
                         255);
  }

  void set(int x, int y, Rgb colour) {
    if (x < 0 || y < 0 || x >= image_.width || y >= image_.height) return;
    std::uint8_t* p = at(x, y);
    p[0] = colour.r, p[1] = colour.g, p[2] = colour.b;
  }

  void fill(const Box& box, Rgb colour) {
    for (int y = box.top; y < box.bottom(); ++y) {
      for (int x = box.left; x < box.right(); ++x) set(x, y, colour);
    }
  }

  // Copies RGB pixels with their corner at (left, top), inside the box only.
  void paste(const Image& image, int left, int top, const Box& inside) {
    const int from_x = std::max({left, inside.left, 0});
    const int to_x = std::min({left + image.width, inside.right(), image_.width});
    const int from_y = std::max({top, inside.top, 0});
    const int to_y = std::min({top + image.height, inside.bottom(), image_.height});
    if (from_x >= to_x) return;
    for (int y = from_y; y < to_y; ++y) {
      const std::size_t offset =
          (static_cast<std::size_t>(y - top) * static_cast<std::size_t>(image.width) +
           static_cast<std::size_t>(from_x - left)) *
          3;
      std::copy_n(&image.pixels[offset], static_cast<std::size_t>(to_x - from_x) * 3,
                  at(from_x, y));
    }
  }

  // Paints the colour through a mask of one channel, 255 opaque.
  void stencil(const Image& mask, int left, int top, Rgb colour) {
    for (int y = 0; y < mask.height; ++y) {
      for (int x = 0; x < mask.width; ++x) {
        const int px = left + x, py = top + y;
        if (px < 0 || py < 0 || px >= image_.width || py >= image_.height) continue;
        const int cover =
            mask.pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(mask.width) +
                        static_cast<std::size_t>(x)];
        std::uint8_t* p = at(px, py);
        const auto blend = [cover](int under, int over) {
          return static_cast<std::uint8_t>((under * (255 - cover) + over * cover + 127) / 255);
        };
        p[0] = blend(p[0], colour.r), p[1] = blend(p[1], colour.g), p[2] = blend(p[2], colour.b);
      }
    }
  }

  const Image& image() const { return image_; }

 private:
  std::uint8_t* at(int x, int y) {
    return &image_.pixels[(static_cast<std::size_t>(y) * static_cast<std::size_t>(image_.width) +
                           static_cast<std::size_t>(x)) *
                          3];
  }

  Image image_;
};

VImage as_vips(const Image& image) {  // image must outlive it
  return VImage::new_from_memory(const_cast<std::uint8_t*>(image.pixels.data()),
                                 image.pixels.size(), image.width, image.height, image.channels,
                                 VIPS_FORMAT_UCHAR)
      .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
}

Image as_image(const VImage& from) {
  Image image{from.width(), from.height(), from.bands(), {}};
  std::size_t size = 0;
  void* memory = from.write_to_memory(&size);
  const auto* first = static_cast<const std::uint8_t*>(memory);
  image.pixels.assign(first, first + size);
  g_free(memory);
  return image;
}

Image resized(const Image& image, double scale) {
  const VImage source = as_vips(image);
  return as_image(source.resize(scale, VImage::option()->set("kernel", VIPS_KERNEL_LANCZOS3)));
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

// A mask of one line of text that is not blank, cropped to its ink.
VImage set_type(const std::string& text, bool bold, int px) {
  const std::string font = std::string("DejaVu Sans ") + (bold ? "Bold " : "") + std::to_string(px);
  // At 72 dots an inch a point is a pixel.
  return VImage::text(without_markup(text).c_str(),
                      VImage::option()->set("font", font.c_str())->set("dpi", 72));
}

// The largest size up to wanted_px at which no line is wider than the room.
int fitting_px(const std::vector<std::string>& lines, bool bold, int wanted_px, int room_px) {
  int px = wanted_px;
  for (const std::string& line : lines) {
    while (px > 1 && !is_blank(line)) {
      const int width = set_type(line, bold, px).width();
      if (width <= room_px) break;
      px = std::clamp(px * room_px / width, 1, px - 1);
    }
  }
  return px;
}

// In the middle of the room. Lines of one size in rooms of one height stand on one baseline: the
// line is centred as if it had every ascender and descender, and its ink keeps its place in it.
void paint_text(Canvas& canvas, const std::string& text, bool bold, int px, Rgb colour,
                const Box& room) {
  if (is_blank(text)) return;
  const VImage ink = set_type(text, bold, px);
  const int line_px = static_cast<int>(std::lround(kLineHeight * px));
  canvas.stencil(as_image(ink), room.left + (room.width - ink.width()) / 2,
                 room.top + (room.height - line_px) / 2 + ink.yoffset(), colour);
}

void paint_gap(Canvas& canvas, const Box& cell) {
  const int inset = std::max(4, cell.width / 40);
  const Box box{cell.left + inset, cell.top + inset, cell.width - 2 * inset,
                cell.height - 2 * inset};
  const int line = std::max(1, cell.width / 320), pitch = 16 * line;
  for (int y = box.top; y < box.bottom(); ++y) {
    for (int x = box.left; x < box.right(); ++x) {
      const int edge = std::min(std::min(x - box.left, box.right() - 1 - x),
                                std::min(y - box.top, box.bottom() - 1 - y));
      if (edge < line)
        canvas.set(x, y, kGapInk);
      else if ((x + y) % pitch < 3 * line)
        canvas.set(x, y, kHatch);
    }
  }
  const int type = std::max(14, cell.width / 14);
  const Box plate{box.left + box.width / 2 - 2 * type, box.top + box.height / 2 - type, 4 * type,
                  2 * type};
  canvas.fill(plate, {});
  paint_text(canvas, "failed", true, fitting_px({"failed"}, true, type, plate.width), kGapInk,
             plate);
}

void paint_view(Canvas& canvas, const ComposedView& view, const Cell& cell) {
  if (cell.content == Cell::Content::gap) return paint_gap(canvas, cell.box);
  canvas.fill(cell.box, ground_colour(*view.image));
  const Image scaled = resized(*view.image, cell.scale);
  canvas.paste(scaled, cell.box.left + cell.left, cell.box.top + cell.top, cell.box);
}

void paint_title(Canvas& canvas, const std::string& title, const Box& band) {
  const int inset = band.height / 4;
  const Box room{band.left + inset, band.top, band.width - 2 * inset, band.height};
  paint_text(canvas, title, true, fitting_px({title}, true, band.height * 42 / 100, room.width),
             kInk, room);
}

// What stands below the cells, all in one size.
struct Labels {
  std::vector<std::string> lines;
  int px = 0;
};

int label_inset(const Box& label) { return std::max(2, label.width / 32); }

// The views' names, or their ids where the longest name would be too small to read.
Labels choose_labels(const std::vector<ComposedView>& views, const Box& label) {
  const int room = label.width - 2 * label_inset(label);
  const int wanted = std::max(13, label.height * 28 / 100);
  std::vector<std::string> names, ids;
  for (const ComposedView& view : views) {
    names.push_back(view.name);
    ids.push_back(view.id);
  }
  const int px = fitting_px(names, true, wanted, room);
  if (px >= kLegiblePx) return {std::move(names), px};
  const int id_px = fitting_px(ids, true, wanted, room);
  return {std::move(ids), id_px};
}

void paint_label(Canvas& canvas, const std::string& line, int px, int azimuth_deg,
                 const Box& label) {
  const int inset = label_inset(label);
  const int room = label.width - 2 * inset;
  canvas.fill({label.left + inset, label.top, room, std::max(1, label.height / 60)}, kRule);
  const int azimuth_px = std::min(px, std::max(11, label.height * 22 / 100));
  const Box upper{label.left + inset, label.top + label.height / 10, room, label.height * 45 / 100};
  const Box lower{label.left + inset, upper.bottom(), room, label.height * 35 / 100};
  paint_text(canvas, line, true, px, kInk, upper);
  paint_text(canvas, std::to_string(azimuth_deg) + "°", false, azimuth_px, kPaleInk, lower);
}

std::vector<std::uint8_t> as_png(const VImage& image) {
  return take_bytes(
      image.pngsave_buffer(VImage::option()->set("strip", true)->set("compression", 6)));
}

}  // namespace

Result<ComposedSheet> compose(const std::string& title, const std::vector<ComposedView>& views,
                              const Layout& layout) {
  PIROUETTE_CHECK(views.size() == layout.cells.size());
  return with_vips([&] {
    Canvas canvas(layout.width, layout.height);
    paint_title(canvas, title, layout.title);
    Labels labels;
    if (!views.empty()) labels = choose_labels(views, layout.cells[0].label);
    for (std::size_t i = 0; i < views.size(); ++i) {
      const Cell& cell = layout.cells[i];
      paint_view(canvas, views[i], cell);
      paint_label(canvas, labels.lines[i], labels.px, views[i].azimuth_deg, cell.label);
    }
    const VImage sheet = as_vips(canvas.image());
    const VImage small = sheet.thumbnail_image(
        VIPS_MAX_COORD,
        VImage::option()->set("height", kSheetThumbnailHeightPx)->set("size", VIPS_SIZE_DOWN));
    return ComposedSheet{as_png(sheet), as_png(small)};
  });
}

}  // namespace pirouette::assembly
