// See crop.h. Two passes: over the border for the ground's colour and noise, over all pixels for
// the box of what differs from it.

#include "coordinator/assembly/crop.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "common/picture_head.h"

namespace pirouette::assembly {
namespace {

// Of the border's pixels that must be near its median colour for there to be a ground at all.
constexpr double kGroundBorderShare = 0.6;
// Less opaque than this is not seen (3 %); cut-outs leave such a haze.
constexpr int kSeenAlpha = 8;
// A figure's pale cloth may be as near to a clean ground as this; the ground's own noise (JPEG,
// paper) is added.
constexpr int kCleanTolerance = 2;

const std::uint8_t* pixel(const Pixels& pixels, int x, int y) {
  const auto at = static_cast<std::size_t>(y) * static_cast<std::size_t>(pixels.width) +
                  static_cast<std::size_t>(x);
  return pixels.values + at * static_cast<std::size_t>(pixels.channels);
}

template <typename Visit>
void for_each_border_pixel(const Pixels& pixels, Visit visit) {
  for (int x = 0; x < pixels.width; ++x) {
    visit(pixel(pixels, x, 0));
    visit(pixel(pixels, x, pixels.height - 1));
  }
  for (int y = 1; y + 1 < pixels.height; ++y) {
    visit(pixel(pixels, 0, y));
    visit(pixel(pixels, pixels.width - 1, y));
  }
}

struct Backdrop {
  bool transparent = false;
  std::array<int, 3> colour{};
  int tolerance = 0;
  bool plain = false;  // most of the border is ground
};

int distance(const std::uint8_t* p, const std::array<int, 3>& colour) {
  return std::max(
      {std::abs(p[0] - colour[0]), std::abs(p[1] - colour[1]), std::abs(p[2] - colour[2])});
}

bool is_seen(const Pixels& pixels, const std::uint8_t* p) {
  return pixels.channels < 4 || p[3] > kSeenAlpha;
}

bool is_figure(const Pixels& pixels, const Backdrop& ground, const std::uint8_t* p) {
  if (!is_seen(pixels, p)) return false;
  return ground.transparent || distance(p, ground.colour) > ground.tolerance;
}

int median(const std::array<int, 256>& histogram, int count) {
  int passed = 0, value = 0;
  while (value < 255 && (passed += histogram[static_cast<std::size_t>(value)]) * 2 < count) ++value;
  return value;
}

Backdrop find_backdrop(const Pixels& pixels) {
  std::array<std::array<int, 256>, 3> histogram{};
  int border = 0, seen = 0;
  for_each_border_pixel(pixels, [&](const std::uint8_t* p) {
    ++border;
    if (!is_seen(pixels, p)) return;
    ++seen;
    for (std::size_t c = 0; c < 3; ++c) ++histogram[c][p[c]];
  });
  Backdrop ground;
  ground.transparent = seen * 2 < border;
  if (ground.transparent) {
    ground.plain = border - seen >= kGroundBorderShare * border;
    return ground;
  }
  for (std::size_t c = 0; c < 3; ++c) ground.colour[c] = median(histogram[c], seen);
  int near = 0, noise = 0;
  for_each_border_pixel(pixels, [&](const std::uint8_t* p) {
    const int away = distance(p, ground.colour);
    if (!is_seen(pixels, p) || away > kGroundTolerance) return;
    ++near;
    noise = std::max(noise, away);
  });
  ground.plain = near >= kGroundBorderShare * border;
  ground.tolerance = std::min(noise + kCleanTolerance, kGroundTolerance);
  return ground;
}

// Empty where nothing stands out.
Box box_of_figure(const Pixels& pixels, const Backdrop& ground) {
  int left = pixels.width, top = pixels.height, right = 0, bottom = 0;
  for (int y = 0; y < pixels.height; ++y) {
    const std::uint8_t* p = pixel(pixels, 0, y);
    for (int x = 0; x < pixels.width; ++x, p += pixels.channels) {
      if (!is_figure(pixels, ground, p)) continue;
      left = std::min(left, x);
      right = std::max(right, x + 1);
      top = std::min(top, y);
      bottom = y + 1;
    }
  }
  if (right == 0) return {};
  return {left, top, right - left, bottom - top};
}

// from, length: grown to at least needed within 0 to whole.
void widen(int& from, int& length, int needed, int whole) {
  if (length >= needed) return;
  from = std::clamp(from - (needed - length) / 2, 0, std::max(0, whole - needed));
  length = std::min(needed, whole);
}

Box with_margin(const Box& figure, const Pixels& pixels) {
  const int margin =
      static_cast<int>(std::ceil(kCropMargin * std::max(figure.width, figure.height)));
  Box box;
  box.left = std::max(0, figure.left - margin);
  box.top = std::max(0, figure.top - margin);
  box.width = std::min(pixels.width, figure.right() + margin) - box.left;
  box.height = std::min(pixels.height, figure.bottom() + margin) - box.top;
  widen(box.left, box.width, kReferenceMinSide, pixels.width);
  widen(box.top, box.height, kReferenceMinSide, pixels.height);
  return box;
}

double area(int width, int height) { return static_cast<double>(width) * height; }

void warn_if_small(int height, const char* what, Crop& crop) {
  if (height >= kFigureSmallPx) return;
  crop.warnings.push_back(std::string(what) + " is only " + std::to_string(height) +
                          " pixels high, so little of the character can be seen: send a picture "
                          "in which it is at least " +
                          std::to_string(kFigureSmallPx));
}

}  // namespace

Crop find_crop(const Pixels& pixels) {
  Crop crop;
  const Backdrop ground = find_backdrop(pixels);
  if (!ground.plain) {
    crop.warnings.emplace_back(
        "no figure can be told from the ground, so the picture was not cropped: a figure on a "
        "plain ground, whole and with some room around it, gives better sheets");
    warn_if_small(pixels.height, "the picture", crop);
    return crop;
  }
  const Box figure = box_of_figure(pixels, ground);
  if (figure.width == 0) {
    crop.warnings.emplace_back("nothing stands out from the ground; is this the right picture?");
    return crop;
  }
  warn_if_small(figure.height, "the figure", crop);
  if (figure.left == 0 || figure.top == 0 || figure.right() == pixels.width ||
      figure.bottom() == pixels.height) {
    crop.warnings.emplace_back(
        "the figure touches the picture's border, so the picture was not cropped and the figure "
        "may be cut off: a whole figure with some room around it gives better sheets");
    return crop;
  }
  const Box box = with_margin(figure, pixels);
  if (area(box.width, box.height) <= kCropMaxLeft * area(pixels.width, pixels.height)) {
    crop.box = box;
  }
  return crop;
}

}  // namespace pirouette::assembly
