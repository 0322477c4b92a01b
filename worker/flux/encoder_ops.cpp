#include "worker/flux/encoder_ops.h"

#include "worker/flux/to_device.h"

namespace pirouette::flux {

Tensor wide(const Tensor& weight) { return weight.defined() ? weight.to(at::kFloat) : weight; }

Tensor wide_on(at::Device device, const Tensor& weight) {
  return weight.defined() ? wide(weight.to(device)) : weight;
}

Tensor apply_wide(const Linear& linear, const Tensor& x) {
  return at::linear(x, wide_on(x.device(), linear.weight), wide_on(x.device(), linear.bias));
}

Result<Tensor> make_index(std::span<const Ids> texts, const Tensor& embedding,
                          const std::string& encoder) {
  const auto length = static_cast<int64_t>(texts.front().size());
  const Tensor index = at::empty({static_cast<int64_t>(texts.size()), length}, at::kLong);
  auto* out = index.data_ptr<int64_t>();
  for (const Ids& ids : texts) {
    PIROUETTE_CHECK(static_cast<int64_t>(ids.size()) == length);
    for (const std::int64_t id : ids) {
      if (id < 0 || id >= embedding.size(0)) {
        return Error{Errc::invalid, "token " + std::to_string(id) + " is beyond the " +
                                        std::to_string(embedding.size(0)) + " of the " + encoder +
                                        " text encoder; tokenizer and encoder are of two models"};
      }
      *out++ = id;
    }
  }
  return to_device(index, embedding.device());
}

}  // namespace pirouette::flux
