#include "worker/train/batch.h"

#include <algorithm>
#include <utility>

#include "worker/flux/lanczos.h"
#include "worker/flux/picture_tensor.h"
#include "worker/train/chance.h"

namespace pirouette::train {
namespace {

constexpr std::int64_t kGapPx = 8;

void copy_into(const at::Tensor& pictures, std::uint64_t row, const Image& picture) {
  PIROUETTE_CHECK(picture.channels == 3);
  const auto bytes = static_cast<std::uint64_t>(pictures.stride(0));
  PIROUETTE_CHECK(picture.pixels.size() == bytes);
  std::ranges::copy(picture.pixels, pictures.data_ptr<std::uint8_t>() + row * bytes);
}

void put(const at::Tensor& pictures, std::uint64_t row, const Image& picture) {
  const auto height = static_cast<int>(pictures.size(1)),
             width = static_cast<int>(pictures.size(2));
  const bool fits = picture.width == width && picture.height == height;
  copy_into(pictures, row, fits ? picture : flux::resize_lanczos(picture, width, height));
}

}  // namespace

Batch make_batch(std::uint64_t count, flux::Size size, bool pinned) {
  const std::vector<std::int64_t> shape{static_cast<std::int64_t>(count), size.height, size.width,
                                        3};
  const auto options = at::TensorOptions(at::kByte).pinned_memory(pinned);
  return Batch{at::empty(shape, options), at::empty(shape, options),
               at::zeros({shape[0], shape[1], shape[2]}, options), std::vector<std::string>(count)};
}

Result<void> draw_row(const Dataset& dataset, std::uint64_t seed, std::uint64_t index, Batch& batch,
                      std::uint64_t row) {
  Rng rng(seed_of(seed, Draw::example, index));
  Example example = TRY(dataset.at(index, rng));
  put(batch.references, row, example.reference);
  put(batch.targets, row, example.target);
  if (!example.mask.empty()) {
    const auto pixels = static_cast<std::uint64_t>(batch.masks.stride(0));
    PIROUETTE_CHECK(example.mask.size() == pixels);
    std::ranges::copy(example.mask, batch.masks.data_ptr<std::uint8_t>() + row * pixels);
  }
  batch.prompts[row] = std::move(example.prompt);
  return {};
}

Result<Batch> draw_batch(const Dataset& dataset, std::uint64_t seed, std::uint64_t first,
                         std::uint64_t count, flux::Size size) {
  Batch batch = make_batch(count, size, /*pinned=*/false);
  for (std::uint64_t row = 0; row < count; ++row)
    TRY(draw_row(dataset, seed, first + row, batch, row));
  return batch;
}

at::Tensor to_pictures(const at::Tensor& bytes, at::Device device, at::ScalarType dtype) {
  const at::Tensor there = bytes.to(device, /*non_blocking=*/true).permute({0, 3, 1, 2});
  const auto precise = dtype == at::kDouble ? at::kDouble : at::kFloat;
  return (there.to(precise) / 255.0 * 2.0 - 1.0).to(dtype);
}

Image make_grid(const at::Tensor& pictures, std::int64_t columns) {
  const std::int64_t rows = (pictures.size(0) + columns - 1) / columns;
  const std::int64_t height = pictures.size(2), width = pictures.size(3);
  const at::Tensor grid = at::ones(
      {1, 3, rows * (height + kGapPx) - kGapPx, columns * (width + kGapPx) - kGapPx}, at::kFloat);
  for (std::int64_t i = 0; i < pictures.size(0); ++i) {
    const std::int64_t top = i / columns * (height + kGapPx);
    const std::int64_t left = i % columns * (width + kGapPx);
    grid.slice(2, top, top + height)
        .slice(3, left, left + width)
        .copy_(pictures.slice(0, i, i + 1));
  }
  return flux::to_image(grid);
}

}  // namespace pirouette::train
