#include "worker/train/echo_buffer.h"

#include <algorithm>
#include <utility>

#include "worker/flux/to_device.h"
#include "worker/train/chance.h"

namespace pirouette::train {
namespace {

flux::Tensor room_for(const flux::Tensor& latents, std::uint64_t examples) {
  std::vector<std::int64_t> shape = latents.sizes().vec();
  shape[0] = static_cast<std::int64_t>(examples);
  return at::empty(shape, latents.options());
}

}  // namespace

EchoBuffer::EchoBuffer(const EchoOptions& options)
    : options_(options), parts_(options.window / options.fresh) {
  PIROUETTE_CHECK(options.fresh >= 1 && options.fresh <= options.batch && parts_ >= 1);
}

void EchoBuffer::keep(std::uint64_t number, EncodedBatch fresh) {
  if (kept_.prompts.empty()) {
    const std::uint64_t all = parts_ * options_.fresh;
    kept_.targets = room_for(fresh.targets, all);
    kept_.references = room_for(fresh.references, all);
    kept_.masks = room_for(fresh.masks, all);
    kept_.prompts.resize(all);
  }
  const std::uint64_t row = number % parts_ * options_.fresh;
  const auto first = static_cast<std::int64_t>(row);
  const auto count = static_cast<std::int64_t>(options_.fresh);
  kept_.targets.narrow(0, first, count).copy_(fresh.targets);
  kept_.references.narrow(0, first, count).copy_(fresh.references);
  kept_.masks.narrow(0, first, count).copy_(fresh.masks);
  std::ranges::move(fresh.prompts, kept_.prompts.begin() + first);
}

Result<EncodedBatch> EchoBuffer::take(std::uint64_t number, const Encode& encode) {
  const std::uint64_t stay = std::min(number + 1, parts_);
  if (number != next_) next_ = number + 1 - stay;
  for (; next_ <= number; ++next_) keep(next_, TRY(encode(next_)));

  Rng rng(seed_of(options_.seed, Draw::echo, number));
  std::vector<std::int64_t> rows(options_.batch);
  for (std::uint64_t i = 0; i < rows.size(); ++i) {
    const std::uint64_t row = i < options_.fresh ? number % parts_ * options_.fresh + i
                                                 : rng.below(stay * options_.fresh);
    rows[i] = static_cast<std::int64_t>(row);
  }
  const flux::Tensor index =
      flux::to_device(at::tensor(rows, at::TensorOptions(at::kLong)), kept_.targets.device());
  EncodedBatch batch{kept_.targets.index_select(0, index),
                     kept_.references.index_select(0, index),
                     kept_.masks.index_select(0, index),
                     {}};
  for (const std::int64_t row : rows)
    batch.prompts.push_back(kept_.prompts[static_cast<std::uint64_t>(row)]);
  return batch;
}

}  // namespace pirouette::train
