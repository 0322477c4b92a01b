#include "worker/flux/storage/gguf_blocks.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/support/gguf_file.h"

namespace pirouette::flux {
namespace {

// Three blocks each of seeded bytes with chosen scales, and what another implementation makes of
// them: one that reshapes whole arrays, as ComfyUI-GGUF's dequant.py does, in Python.
struct KnownBlocks {
  Dtype dtype;
  std::uint64_t hash;  // FNV-1a of all the float32's bytes
  float some[6];       // numbers 0, 1, 17, 31, the middle one, the last
};
constexpr KnownBlocks kKnown[] = {
    {Dtype::q4_0,
     0x9c0c15ad42b9edb2ULL,
     {-0.185546875f, 0.185546875f, -0.111328125f, 0.111328125f, 10.0f, -1.7881393432617188e-05f}},
    {Dtype::q5_0,
     0x0a0ffadfd42079a5ULL,
     {0.4453125f, -0.37109375f, -0.1484375f, 0.1484375f, -3.75f, 2.384185791015625e-05f}},
    {Dtype::q8_0,
     0x02bae3c8dd915786ULL,
     {2.15234375f, 4.490234375f, -0.296875f, 1.11328125f, -112.5f, 0.00037550926208496094f}},
    {Dtype::q4_k,
     0xc6fc1ad805fd6ac2ULL,
     {-14.640625f, -19.09375f, -27.109375f, -22.65625f, -994.1500854492188f, 58.000099182128906f}},
    {Dtype::q5_k,
     0x0b768111b430145cULL,
     {26.1640625f, 23.900390625f, 21.63671875f, 69.173828125f, -607.8900756835938f,
      96.00077819824219f}},
    {Dtype::q6_k,
     0x70605330152e69c3ULL,
     {82.01171875f, 22.080078125f, -67.46484375f, 93.701171875f, -3661.25f,
      0.0001430511474609375f}},
};

std::vector<std::uint8_t> seeded_blocks(Dtype dtype) {
  // The scales of the three blocks, as halves: 0.0371, -1.25, 3e-6; and 0.5, 0.01, -2.
  constexpr std::uint16_t kScales[] = {0x28c0, 0xbd00, 0x0032};
  constexpr std::uint16_t kMinimums[] = {0x3800, 0x211f, 0xc000};
  const std::size_t bytes = block_bytes(dtype);
  std::uint64_t state = dtype_name(dtype).size() * 1000 + bytes;
  std::vector<std::uint8_t> blocks(3 * bytes);
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t i = 0; i < bytes; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      blocks[k * bytes + i] = static_cast<std::uint8_t>(state >> 33);
    }
    std::uint8_t* block = blocks.data() + k * bytes;
    std::memcpy(block + (dtype == Dtype::q6_k ? 208 : 0), &kScales[k], 2);
    if (dtype == Dtype::q4_k || dtype == Dtype::q5_k) std::memcpy(block + 2, &kMinimums[k], 2);
  }
  return blocks;
}

TEST(GgufBlocks, KnownBlocksGiveTheKnownNumbersBitForBit) {
  for (const KnownBlocks& known : kKnown) {
    std::vector<float> out(3 * block_elements(known.dtype));
    dequantise(known.dtype, seeded_blocks(known.dtype), out);
    const std::size_t at[] = {0, 1, 17, 31, out.size() / 2, out.size() - 1};
    for (std::size_t i = 0; i < 6; ++i)
      EXPECT_EQ(out[at[i]], known.some[i]) << dtype_name(known.dtype) << " " << at[i];
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const float number : out) {
      std::uint8_t bytes[4];
      std::memcpy(bytes, &number, sizeof bytes);
      for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3ULL;
    }
    EXPECT_EQ(hash, known.hash) << dtype_name(known.dtype);
  }
}

// What a quantiser of the same layout wrote comes back as near as its step allows.
TEST(GgufBlocks, QuantisedNumbersComeBackWithinTheirStep) {
  std::vector<float> numbers(512);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = std::sin(static_cast<float>(i * i) * 0.37f) * (i < 256 ? 0.1f : 2.0f);
  const std::pair<Dtype, float> steps[] = {{Dtype::q4_0, 0.08f},  {Dtype::q5_0, 0.04f},
                                           {Dtype::q8_0, 0.005f}, {Dtype::q4_k, 0.12f},
                                           {Dtype::q5_k, 0.08f},  {Dtype::q6_k, 0.03f}};
  for (const auto& [dtype, step] : steps) {
    std::vector<float> back(numbers.size());
    dequantise(dtype, quantise(dtype, numbers), back);
    for (std::size_t i = 0; i < numbers.size(); ++i)
      ASSERT_NEAR(back[i], numbers[i], step * (i < 256 ? 0.1f : 2.0f)) << dtype_name(dtype) << i;
  }
}

}  // namespace
}  // namespace pirouette::flux
