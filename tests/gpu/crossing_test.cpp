// Weights that lie in the host's memory and cross as they are used: the same bits as from the
// device.

#include "tests/gpu/gpu.h"
#include "worker/flux/kontext.h"

namespace pirouette::flux::gpu {
namespace {

Kontext load(const Placement& placement) {
  return get(Kontext::load({golden::folder(), std::nullopt}, at::kBFloat16, device(), placement));
}

RenderRequest request_for(const Kontext& kontext) {
  RenderRequest request;
  request.width = 64;
  request.height = 96;
  request.steps = 3;
  request.seed = 42;
  request.prompt = get(kontext.embed_text("back view", 37));
  Image picture{64, 96, 3, std::vector<std::uint8_t>(64 * 96 * 3, 90)};
  request.reference = get(kontext.encode_reference(picture, {ReferenceSize::Kind::keep, {}}));
  return request;
}

// Without and with a LoRA that changes modulations, and without again.
std::vector<Tensor> latents_of(const Placement& placement) {
  Kontext kontext = load(placement);
  const RenderRequest request = request_for(kontext);
  const LoraUse lora{golden::folder() / "comfyui/loras/peft.safetensors", 1.0};
  std::vector<Tensor> latents;
  for (const std::vector<LoraUse>& loras :
       {std::vector<LoraUse>{}, std::vector{lora}, std::vector<LoraUse>{}}) {
    get(kontext.set_loras(loras));
    latents.push_back(get(kontext.render(request)).latents.cpu());
  }
  const Tensor modulation =
      kontext.variants().tensors().at("single_blocks.0.modulation.lin.weight");
  EXPECT_EQ(modulation.is_cpu(), placement.modulations_on_host);
  EXPECT_EQ(modulation.is_cpu() && modulation.is_pinned(), placement.modulations_on_host);
  return latents;
}

TEST(Crossing, ModulationsOnTheHostGiveTheSameBits) {
  for (const bool fp8 : {false, true}) {
    Placement placement;
    placement.fp8 = fp8;
    placement.pristine = PristineAt::file;
    const std::vector<Tensor> wanted = latents_of(placement);
    EXPECT_FALSE(at::equal(wanted[0], wanted[1]));
    EXPECT_TRUE(at::equal(wanted[0], wanted[2]));
    placement.modulations_on_host = true;
    for (const PristineAt at : {PristineAt::file, PristineAt::host}) {
      placement.pristine = at;
      const std::vector<Tensor> got = latents_of(placement);
      for (std::size_t i = 0; i < wanted.size(); ++i)
        EXPECT_TRUE(at::equal(got[i], wanted[i])) << fp8 << ' ' << i;
    }
  }
}

// Passes that are told of one step alone take the same weights.
TEST(Crossing, ModulationsCrossWithoutConditionsToo) {
  const at::NoGradGuard no_grad;
  TransformerInput input = golden::transformer_input();
  for (Tensor* tensor : {&input.img, &input.txt, &input.pooled, &input.timestep, &input.guidance})
    *tensor = tensor->to(device(), at::kBFloat16);
  input.rope.cos = input.rope.cos.to(device());
  input.rope.sin = input.rope.sin.to(device());
  Tensor velocities[2];
  for (const bool on_host : {false, true}) {
    Placement placement;
    placement.pristine = PristineAt::file;
    placement.modulations_on_host = on_host;
    Kontext kontext = load(placement);
    velocities[on_host ? 1 : 0] = (*kontext.variants().find_selected())(input).cpu();
  }
  EXPECT_TRUE(at::equal(velocities[1], velocities[0]));
}

TEST(Crossing, T5GivesTheSameEmbeddingAsOnTheDevice) {
  Tensor sequences[2];
  for (const bool streams : {false, true}) {
    Placement placement;
    placement.pristine = PristineAt::file;
    placement.streams_t5 = streams;
    Kontext kontext = load(placement);
    get(kontext.bring_text_encoders());
    const TextEmbedding text = get(kontext.embed_text("back view of the character", 77));
    EXPECT_TRUE(text.sequence.is_cuda());
    sequences[streams ? 1 : 0] = text.sequence;
  }
  EXPECT_LE(distance(sequences[1], sequences[0]), 1e-6);
}

}  // namespace
}  // namespace pirouette::flux::gpu
