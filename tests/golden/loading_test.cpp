// What loading costs in memory, and what inspect says without loading.

#include "tests/golden/rewritten.h"
#include "worker/flux/inspection.h"
#include "worker/flux/part_weights.h"

namespace pirouette::flux::golden {
namespace {

namespace fs = std::filesystem;

fs::path comfyui(const std::string& name) { return folder() / "comfyui" / name; }

// Whether a tensor's numbers lie in the mapped file that it was read from.
bool is_view(const Part& part, const std::string& name, const Tensor& tensor) {
  const auto file = part.file.tensors.at(name).mapping->bytes();
  const auto* first = static_cast<const std::uint8_t*>(tensor.data_ptr());
  return first >= file.data() && first + tensor.nbytes() <= file.data() + file.size();
}

TEST(Loading, WeightsOfTheDtypeComputedInAreNotCopied) {
  const fs::path files[] = {
      comfyui("diffusion_models/flux1-dev-kontext.safetensors"), comfyui("vae/ae.safetensors"),
      comfyui("text_encoders/t5xxl_bf16.safetensors"), comfyui("text_encoders/clip_l.safetensors")};
  for (const fs::path& path : files) {
    const Part part = get(recognise(get(open_tensor_file(path)))).front();
    const Weights weights = get(load_part(part, at::kBFloat16, at::kCPU));
    for (const auto& [name, tensor] : weights.tensors())
      EXPECT_TRUE(is_view(part, name, tensor)) << path << " " << name;
  }
}

TEST(Loading, OfADiffusersTransformerOnlyWhatIsJoinedIsCopied) {
  const Part part = get(recognise(get(open_tensor_file(folder() / "transformer")))).front();
  const Weights weights = get(load_part(part, at::kBFloat16, at::kCPU));
  const auto of_file = part.file.tensors.at("x_embedder.weight").mapping->bytes();
  const auto* first =
      static_cast<const std::uint8_t*>(weights.tensors().at("img_in.weight").data_ptr());
  EXPECT_TRUE(first >= of_file.data() && first < of_file.data() + of_file.size());
}

std::int64_t dimension(const Inspection& seen, const std::string& name) {
  for (const auto& [called, size] : seen.dimensions)
    if (called == name) return size;
  return -1;
}

TEST(Inspect, TellsATransformersDimensions) {
  const Inspection seen =
      get(inspect(comfyui("diffusion_models/flux1-dev-kontext_fp8_scaled.safetensors")));
  EXPECT_EQ(seen.kind, "transformer");
  EXPECT_EQ(seen.layout, "names of Black Forest Labs");
  EXPECT_TRUE(seen.taken) << seen.why_not;
  EXPECT_EQ(dimension(seen, "width"), 96);
  EXPECT_EQ(dimension(seen, "heads"), 3);
  EXPECT_EQ(dimension(seen, "double_blocks"), 2);
  EXPECT_EQ(dimension(seen, "single_blocks"), 3);
  EXPECT_EQ(dimension(seen, "channels"), 64);
  EXPECT_EQ(dimension(seen, "text_width"), 48);
  EXPECT_EQ(dimension(seen, "guidance"), 1);
  EXPECT_EQ(seen.dtypes.at("F8_E4M3+scale"), 29u);
}

TEST(Inspect, TellsEveryPart) {
  EXPECT_EQ(get(inspect(comfyui("text_encoders/clip_l.safetensors"))).kind, "text_encoder");
  const Inspection t5 = get(inspect(comfyui("text_encoders/t5xxl_fp8_e4m3fn.safetensors")));
  EXPECT_EQ(t5.kind, "text_encoder_2");
  EXPECT_EQ(dimension(t5, "vocabulary"), 4096);
  const Inspection vae = get(inspect(folder() / "vae"));
  EXPECT_EQ(vae.kind, "vae");
  EXPECT_EQ(dimension(vae, "latent_channels"), 16);
  EXPECT_EQ(dimension(vae, "levels"), 4);
  for (const Inspection& part : {t5, vae}) EXPECT_TRUE(part.taken) << part.why_not;
}

TEST(Inspect, TellsWholeModels) {
  for (const fs::path& path : {folder(), folder() / "comfyui"}) {
    const Inspection seen = get(inspect(path));
    EXPECT_EQ(seen.kind, "model");
    EXPECT_TRUE(seen.taken) << seen.why_not;
    EXPECT_EQ(seen.parts.size(), 4u);
  }
}

TEST(Inspect, WhatIsNotTakenSaysWhy) {
  const Folder out("inspect");
  Rewritten rewritten;
  rewritten.copy(comfyui("diffusion_models/flux1-dev-kontext.safetensors"),
                 [](const std::string& name) { return name == "img_in.bias" ? "" : name; });
  rewritten.save(out / "a.safetensors");
  fs::copy_file(comfyui("pirouette.json"), out / "pirouette.json",
                fs::copy_options::overwrite_existing);
  const Inspection missing = get(inspect(out / "a.safetensors"));
  EXPECT_FALSE(missing.taken);
  EXPECT_NE(missing.why_not.find("tensor \"img_in.bias\" is missing"), std::string::npos);

  Rewritten()
      .add("a.qweight", Dtype::u8, {1}, {0})
      .add("a.wscales", Dtype::u8, {1}, {0})
      .save(out / "nunchaku.safetensors");
  const Inspection refused = get(inspect(out / "nunchaku.safetensors"));
  EXPECT_FALSE(refused.taken);
  EXPECT_NE(refused.why_not.find("is a Nunchaku (SVDQuant) file"), std::string::npos);
  EXPECT_FALSE(inspect(out / "none").ok());
}

TEST(Inspect, TellsALorasRankWordsAndMetadata) {
  const Folder out("inspect-lora");
  Rewritten()
      .copy(comfyui("loras/peft.safetensors"), [](const std::string& name) { return name; })
      .save(out / "a.safetensors",
            {{"modelspec.trigger_phrase", "turnaround sheet, back view"}, {"ss_steps", "1200"}});
  const Inspection seen = get(inspect(out / "a.safetensors"));
  EXPECT_EQ(seen.kind, "lora");
  EXPECT_EQ(seen.trigger_words, (std::vector<std::string>{"turnaround sheet, back view"}));
  EXPECT_EQ(seen.metadata.at("ss_steps"), "1200");
  EXPECT_EQ(dimension(seen, "rank"), 4);
  EXPECT_TRUE(seen.taken) << seen.why_not;
}

}  // namespace
}  // namespace pirouette::flux::golden
