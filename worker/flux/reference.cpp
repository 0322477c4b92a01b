#include "worker/flux/reference.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>

#include "common/job/recipe.h"

namespace pirouette::flux {
namespace {

// PREFERRED_KONTEXT_RESOLUTIONS of black-forest-labs/flux, src/flux/util.py.
constexpr std::array<Size, 17> kPreferredSizes = {{{672, 1568},
                                                   {688, 1504},
                                                   {720, 1456},
                                                   {752, 1392},
                                                   {800, 1328},
                                                   {832, 1248},
                                                   {880, 1184},
                                                   {944, 1104},
                                                   {1024, 1024},
                                                   {1104, 944},
                                                   {1184, 880},
                                                   {1248, 832},
                                                   {1328, 800},
                                                   {1392, 752},
                                                   {1456, 720},
                                                   {1504, 688},
                                                   {1568, 672}}};

double aspect(Size size) { return static_cast<double>(size.width) / size.height; }

bool is_multiple(int side) { return side % kTokenSide == 0; }

// All of text as a positive number.
std::optional<int> parse_side(std::string_view text) {
  int side = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), side);
  if (failed != std::errc() || end != text.data() + text.size() || side <= 0) return std::nullopt;
  return side;
}

std::string text_of(Size size) {
  return std::to_string(size.width) + 'x' + std::to_string(size.height);
}

}  // namespace

Result<ReferenceSize> parse_reference_size(std::string_view text) {
  if (text == "auto") return ReferenceSize{ReferenceSize::Kind::preferred, {}};
  if (text == "keep") return ReferenceSize{ReferenceSize::Kind::keep, {}};
  const auto cross = text.find('x');
  const auto width = parse_side(text.substr(0, cross));
  const auto height =
      cross == std::string_view::npos ? std::nullopt : parse_side(text.substr(cross + 1));
  if (!width || !height || !is_multiple(*width) || !is_multiple(*height) || *width > kSideMaxPx ||
      *height > kSideMaxPx)
    return Error{Errc::invalid, "reference size \"" + std::string(text.substr(0, 40)) +
                                    "\" is not auto, keep or WIDTHxHEIGHT with multiples of " +
                                    std::to_string(kTokenSide) + " up to " +
                                    std::to_string(kSideMaxPx)};
  return ReferenceSize{ReferenceSize::Kind::exact, {*width, *height}};
}

Size preferred_size(Size picture) {
  Size best;
  double best_distance = std::numeric_limits<double>::infinity();
  for (const Size size : kPreferredSizes) {
    const double distance = std::abs(aspect(picture) - aspect(size));
    if (distance < best_distance) best = size, best_distance = distance;
  }
  return best;
}

Result<Size> choose_size(const ReferenceSize& wanted, Size picture) {
  if (wanted.kind == ReferenceSize::Kind::exact) return wanted.size;
  const Size whole{picture.width / kTokenSide * kTokenSide,
                   picture.height / kTokenSide * kTokenSide};
  if (whole.width == 0 || whole.height == 0)
    return Error{Errc::invalid, "the reference is " + text_of(picture) +
                                    " pixels; each side needs at least " +
                                    std::to_string(kTokenSide)};
  if (wanted.kind == ReferenceSize::Kind::preferred) return preferred_size(whole);
  if (whole.width > kSideMaxPx || whole.height > kSideMaxPx)
    return Error{Errc::invalid, "the reference is " + text_of(picture) +
                                    " pixels, too large to keep; a side may have " +
                                    std::to_string(kSideMaxPx) + ": use the size auto"};
  return whole;
}

}  // namespace pirouette::flux
