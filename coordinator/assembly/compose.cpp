// See compose.h. The sheet is painted into one block of pixels; libvips makes what is painted.

#include "coordinator/assembly/compose.h"

#include <algorithm>

#include "coordinator/assembly/canvas.h"
#include "coordinator/assembly/type.h"
#include "coordinator/assembly/vips_session.h"

namespace pirouette::assembly {
namespace {

using vips::VImage;

constexpr Rgb kInk{38, 40, 46};
constexpr Rgb kPaleInk{122, 126, 136};
constexpr Rgb kRule{222, 224, 229};
constexpr Rgb kHatch{236, 214, 210};
constexpr Rgb kGapInk{176, 72, 60};

// How much of a guide line's colour covers the ground, of 255: seen when looked for, and no part of
// the drawing. Head and foot stand out among the rest.
constexpr Rgb kGuide{70, 110, 170};
constexpr int kGuideCover = 36, kGuideEndCover = 84;

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

void paint_hatch(Canvas& canvas, const Box& cell) {
  const int inset = std::max(2, cell.width / 40);
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
}

// On a plate in the middle: which view is missing, and why.
void paint_gap(Canvas& canvas, const ComposedView& view, const Box& cell) {
  paint_hatch(canvas, cell);
  const int px = std::clamp(cell.width / 20, kLegiblePx, 32);
  const int inset = std::max(4, cell.width / 16), pad = px / 3;
  const int name_px = 2 * px, reason_px = 6 * px;  // one line, and five
  const int height = std::min(name_px + reason_px + 2 * pad, cell.height - 2 * inset);
  const Box plate{cell.left + inset, cell.top + (cell.height - height) / 2, cell.width - 2 * inset,
                  height};
  canvas.fill(plate, {});
  const Box upper{plate.left + pad, plate.top + pad, plate.width - 2 * pad, name_px};
  const Box lower{upper.left, upper.bottom(), upper.width, plate.bottom() - pad - upper.bottom()};
  paint_line(canvas, view.name, true,
             std::max(kLegiblePx, fitting_px({view.name}, true, px, upper.width)), kGapInk, upper);
  paint_paragraph(canvas, "not rendered" + (view.why.empty() ? "" : ": " + view.why), px, kGapInk,
                  lower);
}

// Under the figure: where the picture shows its ground, and beside the picture.
void paint_guides(Canvas& canvas, const Image& picture, const Cell& cell,
                  const std::vector<int>& guides) {
  const auto ground = find_ground(picture);
  const int line = std::max(1, cell.box.height / 640);
  for (std::size_t i = 0; i < guides.size(); ++i) {
    const bool is_end = i == 0 || i + 1 == guides.size();
    for (int y = guides[i]; y < std::min(guides[i] + line, cell.box.height); ++y) {
      for (int x = 0; x < cell.box.width; ++x) {
        const int px = x - cell.left, py = y - cell.top;
        const bool inside = px >= 0 && py >= 0 && px < picture.width && py < picture.height;
        if (inside && (!ground || !ground->at(px, py))) continue;
        const int left = cell.box.left + x, top = cell.box.top + y;
        canvas.set(left, top,
                   blend(canvas.get(left, top), kGuide, is_end ? kGuideEndCover : kGuideCover));
      }
    }
  }
}

void paint_view(Canvas& canvas, const ComposedView& view, const Cell& cell,
                const std::vector<int>& guides) {
  if (cell.content == Cell::Content::gap) return paint_gap(canvas, view, cell.box);
  canvas.fill(cell.box, ground_colour(*view.image));
  const Image scaled = resized(*view.image, cell.scale);
  canvas.paste(scaled, cell.box.left + cell.left, cell.box.top + cell.top, cell.box);
  if (cell.content == Cell::Content::figure) paint_guides(canvas, scaled, cell, guides);
}

void paint_title(Canvas& canvas, const std::string& title, const Box& band) {
  const int inset = std::min(band.height / 4, band.width / 16);
  const Box room{band.left + inset, band.top, band.width - 2 * inset, band.height};
  const int px = fitting_px({title}, true, band.height * 42 / 100, room.width);
  paint_line(canvas, title, true, std::max(px, kLegiblePx), kInk, room);
}

// What stands below the cells: all first lines in one size, and all second ones.
struct Captions {
  std::vector<std::string> names, facts;
  int names_px = 0, facts_px = 0;
};

int caption_inset(const Box& label) { return std::max(2, label.width / 32); }

std::string take_of(const ComposedView& view) {
  const std::string digits = std::to_string(view.take);
  return "v" + std::string(digits.size() < 3 ? 3 - digits.size() : 0, '0') + digits;
}

// The views' names, or their ids where the longest name would be too small to read; below them the
// azimuth and the take, or the take alone.
Captions choose_captions(const std::vector<ComposedView>& views, const Box& label) {
  const int room = label.width - 2 * caption_inset(label);
  const int wanted = std::max(13, label.height * 28 / 100);
  std::vector<std::string> names, ids, facts, takes;
  for (const ComposedView& view : views) {
    names.push_back(view.name);
    ids.push_back(view.id);
    takes.push_back(view.image ? take_of(view) : "gap");
    facts.push_back(std::to_string(view.azimuth_deg) + "° · " + takes.back());
  }
  Captions captions{names, facts, fitting_px(names, true, wanted, room), 0};
  if (captions.names_px < kLegiblePx) {
    captions.names = ids;
    captions.names_px = std::max(kLegiblePx, fitting_px(ids, true, wanted, room));
  }
  const int smaller = std::min(captions.names_px, std::max(11, label.height * 22 / 100));
  captions.facts_px = fitting_px(facts, false, smaller, room);
  if (captions.facts_px < kLegiblePx) {
    captions.facts = takes;
    captions.facts_px = std::max(kLegiblePx, fitting_px(takes, false, smaller, room));
  }
  return captions;
}

void paint_caption(Canvas& canvas, const Captions& captions, std::size_t i, const Box& label) {
  const int inset = caption_inset(label);
  const int room = label.width - 2 * inset;
  canvas.fill({label.left + inset, label.top, room, std::max(1, label.height / 60)}, kRule);
  const Box upper{label.left + inset, label.top + label.height / 10, room, label.height * 45 / 100};
  const Box lower{label.left + inset, upper.bottom(), room, label.height * 35 / 100};
  paint_line(canvas, captions.names[i], true, captions.names_px, kInk, upper);
  paint_line(canvas, captions.facts[i], false, captions.facts_px, kPaleInk, lower);
}

Image thumbnail_of(const Image& sheet) {
  return as_image(as_vips(sheet).thumbnail_image(
      VIPS_MAX_COORD,
      VImage::option()->set("height", kSheetThumbnailHeightPx)->set("size", VIPS_SIZE_DOWN)));
}

}  // namespace

Result<ComposedSheet> compose(const std::string& title, const std::vector<ComposedView>& views,
                              const Layout& layout,
                              const std::map<std::string, std::string>& texts) {
  PIROUETTE_CHECK(views.size() == layout.cells.size());
  struct Painted {
    Image sheet, thumbnail;
  };
  const Painted painted = TRY(with_vips([&] {
    Canvas canvas(layout.width, layout.height);
    paint_title(canvas, title, layout.title);
    Captions captions;
    if (!views.empty()) captions = choose_captions(views, layout.cells[0].label);
    for (std::size_t i = 0; i < views.size(); ++i) {
      const Cell& cell = layout.cells[i];
      paint_view(canvas, views[i], cell, layout.guides);
      paint_caption(canvas, captions, i, cell.label);
    }
    return Painted{canvas.image(), thumbnail_of(canvas.image())};
  }));
  return ComposedSheet{TRY(encode_png(painted.sheet, texts)),
                       TRY(encode_png(painted.thumbnail, texts))};
}

}  // namespace pirouette::assembly
