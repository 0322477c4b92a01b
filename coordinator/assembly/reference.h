#pragma once
// A picture that a studio sent, as the reference that workers read: a PNG of 8 bits, RGB or RGBA in
// sRGB, turned upright, cropped to its figure. Kontext sees a reference at one size whatever it was
// sent at, so ground around the figure costs detail of the figure. Safe from any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "coordinator/assembly/figure.h"

namespace pirouette::assembly {

// How the picture became the reference is part of what is remembered of it: a change of what this
// room does to a picture counts this on, and what was made before is made again.
inline constexpr int kReferenceMaking = 1;

struct Reference {
  std::vector<std::uint8_t> png;
  int width = 0, height = 0;
  std::optional<Box> crop;            // of the upright picture; none: all of it
  std::vector<std::string> warnings;  // what may make worse sheets, and what to do
};

// A PNG that is all this already stays byte for byte. Decodes everything, so a picture that is cut
// off is noticed. invalid or corrupt: what is wrong and what is accepted.
Result<Reference> as_reference(std::span<const std::uint8_t> bytes);

}  // namespace pirouette::assembly
