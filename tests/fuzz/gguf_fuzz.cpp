// The header of a .gguf file, and the blocks that it leads to.

#include <vector>

#include "tests/fuzz/target.h"
#include "worker/flux/storage/gguf.h"
#include "worker/flux/storage/gguf_blocks.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pirouette::flux;
  const std::span<const std::uint8_t> file(data, size);
  const auto parsed = parse_gguf(file);
  if (!parsed.ok()) {
    PIROUETTE_CHECK(!parsed.error().what.empty());
    return 0;
  }
  std::uint64_t covered = 0;
  for (const TensorEntry& entry : parsed.value().entries) {
    PIROUETTE_CHECK(entry.begin >= covered && entry.begin <= entry.end && entry.end <= size);
    PIROUETTE_CHECK(count_bytes(entry.dtype, entry.shape) == entry.end - entry.begin);
    covered = entry.end;
    if (!is_block(entry.dtype)) continue;
    const std::size_t blocks = (entry.end - entry.begin) / block_bytes(entry.dtype);
    std::vector<float> numbers(blocks * block_elements(entry.dtype));
    dequantise(entry.dtype, file.subspan(entry.begin, entry.end - entry.begin), numbers);
  }
  return 0;
}
