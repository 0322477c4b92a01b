#pragma once
// At which size a reference picture is shown to the model. Pure, free of torch.
//
// Kontext was trained on 17 sizes of about a megapixel; "auto" stretches a reference to the one
// with the nearest aspect, as Black Forest Labs and diffusers do (ComfyUI crops instead).

#include <string_view>

#include "common/result.h"

namespace pirouette::flux {

struct Size {
  int width = 0;
  int height = 0;
  bool operator==(const Size&) const = default;
};

// A token of the model is a square of so many pixels: every side is a multiple of it.
inline constexpr int kTokenSide = 16;

struct ReferenceSize {
  enum class Kind { preferred, keep, exact };
  Kind kind = Kind::preferred;
  Size size;  // for exact
};

// "auto", "keep", or "WxH" with multiples of 16; invalid says what is wrong.
Result<ReferenceSize> parse_reference_size(std::string_view text);

// One of the 17 sizes, for a picture of this size.
Size preferred_size(Size picture);

// What a picture of this size is stretched to; keep cuts sides down to multiples of 16. invalid: a
// side is smaller than 16 pixels, or larger than a rendering's.
Result<Size> choose_size(const ReferenceSize& wanted, Size picture);

}  // namespace pirouette::flux
