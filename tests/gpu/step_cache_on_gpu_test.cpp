// The reference's kept keys and values in the fast blocks: as in golden's test of the plain ones.

#include "tests/gpu/gpu.h"
#include "worker/flux/cuda/fast_transformer.h"
#include "worker/flux/kontext.h"
#include "worker/flux/work_clock.h"

namespace pirouette::flux::gpu {
namespace {

TEST(StepCacheOnGpu, WhatIsKeptIsWhatTheBlocksComputed) {
  const at::NoGradGuard no_grad;
  Kontext kontext = get(Kontext::load({golden::folder(), std::nullopt}, at::kBFloat16, device()));
  const Transformer& model = *kontext.variants().find_selected();
  constexpr int64_t kText = 64, kWanted = 77, kReference = 50;
  TransformerInput input;
  input.img = random({1, kWanted + kReference, model.in_channels()});
  input.txt = random({1, kText, model.text_channels()});
  input.pooled = random({1, model.pooled_channels()});
  input.timestep = at::full({1}, 0.5, options());
  input.guidance = at::full({1}, 2.5, options());
  input.wanted = kWanted;
  const Tensor ids = at::rand({kText + kWanted + kReference, 3}).mul(16).floor();
  input.rope = make_rope(ids.to(device()), model.rope_axes());
  const Tensor whole = wide(model(input));
  KeptReference kept;
  kept.tokens = kReference;
  input.kept = &kept;
  EXPECT_LE(distance(wide(model(input)).cpu(), whole.cpu()), 1e-6);
  ASSERT_EQ(kept.of.size(), model.blocks());

  kept.is_read = true;
  input.img = input.img.slice(1, 0, kWanted);
  input.rope = {input.rope.cos.slice(0, 0, kText + kWanted),
                input.rope.sin.slice(0, 0, kText + kWanted)};
  EXPECT_LE(distance(wide(model(input)).cpu(), whole.cpu()), 2e-2);
  kept.of[0] = kept.of[0] + 1;  // and it is read
  EXPECT_GT(distance(wide(model(input)).cpu(), whole.cpu()), 3e-2);
}

TEST(WorkClockOnGpu, TellsWorkFromWaiting) {
  WorkClock clock(device());
  const Tensor a = random({4096, 4096}), b = random({4096, 4096}, 0.01);
  Tensor out = at::mm(a, b);
  for (int picture = 0; picture < 2; ++picture) {
    clock.starts_anew();
    clock.begins();
    for (int i = 0; i < 20; ++i) out = at::mm(a, b);
    clock.ends();
    (void)out.sum().item<float>();
  }
  const WorkClock::Spans spans = clock.read();
  EXPECT_GT(spans.worked, 1e-3);  // 20 products of 137 GFLOP
  EXPECT_LT(spans.worked, 1.0);
  ASSERT_TRUE(spans.between.has_value());
  EXPECT_GE(*spans.between, 0.0);
  EXPECT_LT(*spans.between, 0.5);
}

}  // namespace
}  // namespace pirouette::flux::gpu
