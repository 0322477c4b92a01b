#pragma once
// Lanczos resampling as Pillow does it for 8-bit pictures, bit for bit: references must look to the
// model as they look in the tools its users compare with. Not for display; no gamma, no alpha
// (flatten first).
//
// Source: Pillow, src/libImaging/Resample.c (HPND licence): support 3, widened when shrinking;
// coefficients in 22-bit fixed point; rows first, then columns, rounded and clipped to 8 bits in
// between.

#include "common/image/image.h"

namespace pirouette::flux {

// Stretches to exactly width x height, both positive. Each channel by itself.
Image resize_lanczos(const Image& image, int width, int height);

}  // namespace pirouette::flux
