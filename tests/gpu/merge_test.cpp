// LoRAs merged on the device: the bfloat16 products against the same in float32 on the CPU.

#include "tests/gpu/gpu.h"
#include "worker/flux/lora_merge.h"

namespace pirouette::flux::gpu {
namespace {

LoraModule module(const std::string& name, RowPart part, int64_t out, int64_t in, bool swaps) {
  LoraModule module;
  module.name = name;
  module.target.module = name;
  module.target.part = part;
  module.target.swaps_halves = swaps;
  module.change = LowRank{random({16, in}, 0.1).cpu(), random({out, 16}, 0.1).cpu()};
  module.scale = 0.75;
  return module;
}

// q and k of a fused projection, a final layer with swapped halves, and two LoRAs on one weight.
TEST(Merge, OnTheDeviceIsOnTheCpu) {
  const at::NoGradGuard no_grad;
  const std::string qkv = "double_blocks.0.img_attn.qkv", halves = "final_layer.adaLN_modulation.1",
                    twice = "double_blocks.0.img_mlp.0";
  Tensors pristine;
  pristine[qkv + ".weight"] = random({3 * 72, 72});
  pristine[halves + ".weight"] = random({2 * 72, 72});
  pristine[twice + ".weight"] = random({288, 72});
  ScaledLora one{{"one", {}}, 1.25}, two{{"two", {}}, -0.5};
  one.lora.modules = {
      module(qkv, RowPart::q, 72, 72, false), module(qkv, RowPart::k, 72, 72, false),
      module(halves, RowPart::whole, 144, 72, true), module(twice, RowPart::whole, 288, 72, false)};
  two.lora.modules = {module(twice, RowPart::whole, 288, 72, false)};
  Tensors on_cpu;
  for (const auto& [name, tensor] : pristine) on_cpu[name] = tensor.cpu();
  const Tensors got = get(merge_loras(pristine, {one, two}));
  const Tensors wanted = get(merge_loras(on_cpu, {one, two}));
  for (const auto& [name, tensor] : wanted) {
    EXPECT_GT(distance(tensor, on_cpu.at(name)), 0.01) << name;
    // But for sums in another order: some numbers round to the other side, 2^-8 of themselves away.
    EXPECT_LE(distance(got.at(name).cpu(), tensor), 1.5e-3) << name;
  }
  EXPECT_TRUE(
      at::equal(got.at(qkv + ".weight").slice(0, 144), pristine.at(qkv + ".weight").slice(0, 144)));
}

}  // namespace
}  // namespace pirouette::flux::gpu
