#include "worker/train/batch.h"

#include "worker/flux/lanczos.h"
#include "worker/flux/picture_tensor.h"
#include "worker/train/chance.h"

namespace pirouette::train {
namespace {

constexpr std::int64_t kGapPx = 8;

at::Tensor shown(const Image& picture, flux::Size size) {
  if (picture.width == size.width && picture.height == size.height) return flux::to_tensor(picture);
  return flux::to_tensor(flux::resize_lanczos(picture, size.width, size.height));
}

}  // namespace

Result<Batch> draw_batch(const Dataset& dataset, std::uint64_t seed, std::uint64_t first,
                         std::uint64_t count, flux::Size size) {
  Batch batch;
  std::vector<at::Tensor> references, targets;
  for (std::uint64_t index = first; index < first + count; ++index) {
    Rng rng(seed_of(seed, Draw::example, index));
    const Example example = TRY(dataset.at(index, rng));
    references.push_back(shown(example.reference, size));
    targets.push_back(shown(example.target, size));
    batch.prompts.push_back(example.prompt);
  }
  batch.references = at::cat(references);
  batch.targets = at::cat(targets);
  return batch;
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
