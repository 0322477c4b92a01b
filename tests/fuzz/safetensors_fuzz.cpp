// The header of a .safetensors file: what is taken lies in the file, side by side.

#include "tests/fuzz/target.h"
#include "worker/flux/storage/safetensors.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pirouette::flux;
  const auto parsed = parse_safetensors({data, size});
  if (!parsed.ok()) {
    PIROUETTE_CHECK(!parsed.error().what.empty());
    return 0;
  }
  std::uint64_t covered = 0;
  for (const TensorEntry& entry : parsed.value().entries) {
    PIROUETTE_CHECK(covered == 0 || entry.begin == covered);
    PIROUETTE_CHECK(entry.begin <= entry.end && entry.end <= size);
    PIROUETTE_CHECK(count_bytes(entry.dtype, entry.shape) == entry.end - entry.begin);
    covered = entry.end;
  }
  return 0;
}
