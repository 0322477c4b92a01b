// The JSON beside and inside checkpoints. The first byte chooses whose: a pirouette.json, an index
// of shards, a comfy_quant tensor, a header's _quantization_metadata.

#include <string>

#include "tests/fuzz/target.h"
#include "worker/flux/storage/model_numbers.h"
#include "worker/flux/storage/scaled_weights.h"
#include "worker/flux/storage/tensor_file.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pirouette::flux;
  if (size == 0) return 0;
  const std::span<const std::uint8_t> text(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0: {
      const auto side = parse_side_file(text);
      if (!side.ok()) break;
      const ModelNumbers& numbers = side.value().numbers;
      PIROUETTE_CHECK(numbers.clip_heads > 0 && numbers.axes[0] > 0 && numbers.axes[2] % 2 == 0);
      PIROUETTE_CHECK(numbers.shift.max_tokens > numbers.shift.base_tokens);
      break;
    }
    case 1: {
      const auto index = parse_shard_index(text);
      if (!index.ok()) break;
      for (const auto& [tensor, file] : index.value())
        PIROUETTE_CHECK(!file.empty() && file.find('/') == std::string::npos && file != "..");
      break;
    }
    case 2:
      PIROUETTE_CHECK(!parse_quantisation(text).ok() ||
                      is_float8(parse_quantisation(text).value()));
      break;
    default:
      (void)parse_quantisation_metadata({text.begin(), text.end()}).ok();
  }
  return 0;
}
