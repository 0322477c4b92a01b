// Step caches on the tiny model: off is off to the last bit, and what is kept is what the blocks
// would have computed.

#include "common/job/step_cache.h"

#include "tests/golden/golden.h"
#include "tests/golden/pictures.h"
#include "worker/flux/kontext.h"

namespace pirouette::flux {
namespace {

using golden::distance;
using golden::folder;
using golden::get;

Kontext tiny() { return get(Kontext::load({folder(), std::nullopt}, at::kFloat)); }

Tensor latents_of(const Kontext& kontext, const std::string& cache, double true_cfg = 1) {
  RenderRequest request;
  request.prompt = get(kontext.embed_text("back view", 64));
  if (true_cfg > 1) request.negative = get(kontext.embed_text("blurry", 64));
  request.true_cfg = true_cfg;
  const Image picture = golden::load_png(folder() / "reference_64x96.png");
  request.reference =
      get(kontext.encode_reference(picture, {ReferenceSize::Kind::exact, {64, 96}}));
  request.width = 64;
  request.height = 96;
  request.steps = 4;
  request.seed = 42;
  request.step_cache = get(parse_step_cache(cache));
  return get(kontext.render(request)).latents;
}

TEST(StepCache, TextIsReadAndWritten) {
  for (const char* text : {"off", "reference=4", "skip=8+12", "reference=2,skip=3"})
    EXPECT_EQ(to_text(get(parse_step_cache(text))), text);
  EXPECT_TRUE(get(parse_step_cache("")).is_off());
  EXPECT_TRUE(get(parse_step_cache("reference=1")).is_off());
  const StepCache cache = get(parse_step_cache("skip=3+4,reference=2"));
  EXPECT_TRUE(cache.skips(2) && cache.skips(3) && !cache.skips(1) && !cache.skips(4));
  EXPECT_TRUE(cache.computes_reference(0) && !cache.computes_reference(1));
  for (const char* wrong :
       {"on", "reference=0", "reference=", "reference=2x", "skip=1", "skip=", "skip=4+3",
        "skip=3+3", "reference=2;skip=3", "skip=201", "reference=2,reference=3"}) {
    const auto parsed = parse_step_cache(wrong);
    ASSERT_FALSE(parsed.ok()) << wrong;
    EXPECT_NE(parsed.error().what.find("skip=A+B"), std::string::npos);
  }
}

TEST(StepCache, OffIsOffToTheLastBit) {
  const Kontext kontext = tiny();
  const Tensor plain = latents_of(kontext, "");
  EXPECT_TRUE(at::equal(latents_of(kontext, "reference=1"), plain));
  EXPECT_TRUE(at::equal(latents_of(kontext, "skip=9"), plain));  // there is no 9th step
}

TEST(StepCache, CheaperPicturesAreOthersButNotFar) {
  const Kontext kontext = tiny();
  for (const double true_cfg : {1.0, 2.0}) {
    const Tensor plain = latents_of(kontext, "", true_cfg);
    for (const char* cache : {"reference=2", "reference=4", "skip=3", "reference=2,skip=4"}) {
      const double far = distance(latents_of(kontext, cache, true_cfg), plain);
      EXPECT_GT(far, 1e-6) << cache;
      EXPECT_LT(far, 0.5) << cache;
    }
  }
}

// The same pass again, with the reference from the first one, gives the same velocities.
TEST(StepCache, WhatIsKeptIsWhatTheBlocksComputed) {
  const at::NoGradGuard no_grad;
  Kontext kontext = tiny();
  const Transformer& model = *kontext.variants().find_selected();
  constexpr int64_t kText = 7, kWanted = 12, kReference = 10;
  TransformerInput input;
  input.img = at::randn({1, kWanted + kReference, model.in_channels()});
  input.txt = at::randn({1, kText, model.text_channels()});
  input.pooled = at::randn({1, model.pooled_channels()});
  input.timestep = at::full({1}, 0.5);
  input.guidance = at::full({1}, 2.5);
  input.wanted = kWanted;
  const Tensor ids = at::rand({kText + kWanted + kReference, 3}).mul(16).floor();
  input.rope = make_rope(ids, model.rope_axes());
  const Tensor plain = model(input);
  KeptReference kept;
  kept.tokens = kReference;
  input.kept = &kept;
  EXPECT_TRUE(at::equal(model(input), plain));
  EXPECT_EQ(kept.of.size(), model.blocks());

  kept.is_read = true;
  input.img = input.img.slice(1, 0, kWanted);
  input.rope = {input.rope.cos.slice(0, 0, kText + kWanted),
                input.rope.sin.slice(0, 0, kText + kWanted)};
  EXPECT_LE(distance(model(input), plain), 1e-5);
  kept.of[0] = kept.of[0] + 1;  // and it is read
  EXPECT_GT(distance(model(input), plain), 1e-3);
}

}  // namespace
}  // namespace pirouette::flux
