#pragma once
// Pictures as the autoencoder takes and gives them.

#include "common/image/image.h"
#include "worker/flux/ops.h"

namespace pirouette::flux {

// RGB -> [1, 3, H, W] float32 in -1..1, on the host.
Tensor to_tensor(const Image& image);

// [1, 3, H, W] in -1..1, of any device and dtype; what is beyond is clamped.
Image to_image(const Tensor& decoded);

}  // namespace pirouette::flux
