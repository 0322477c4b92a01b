#include "worker/flux/picture_tensor.h"

namespace pirouette::flux {

Tensor to_tensor(const Image& image) {
  PIROUETTE_CHECK(image.channels == 3);
  const Tensor bytes =
      at::from_blob(const_cast<std::uint8_t*>(image.pixels.data()),
                    {image.height, image.width, image.channels}, at::TensorOptions(at::kByte));
  const Tensor unit = bytes.to(at::kFloat).permute({2, 0, 1}).unsqueeze(0) / 255.0;
  return unit * 2.0 - 1.0;
}

// Where it lies: a device does in no time what keeps the host for as long as a tenth of a step.
Image to_image(const Tensor& decoded) {
  const Tensor unit = (decoded / 2 + 0.5).clamp(0, 1).to(at::kFloat);
  const Tensor bytes =
      (unit * 255).round().to(at::kByte).squeeze(0).permute({1, 2, 0}).contiguous().cpu();
  Image image{static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)), 3, {}};
  const auto* first = bytes.data_ptr<std::uint8_t>();
  image.pixels.assign(first, first + bytes.numel());
  return image;
}

}  // namespace pirouette::flux
