#include "worker/flux/storage/refusals.h"

#include "tests/unit/storage/stored_files.h"
#include "worker/flux/storage/parts.h"

namespace pirouette::flux {
namespace {

std::string refusal_of(const TensorFile& file) {
  const auto parts = recognise(file);
  return parts.ok() ? "nothing" : parts.error().what;
}

TensorFile with_input(std::int64_t channels) {
  TensorFile file = names_only({"double_blocks.0.img_attn.qkv.weight", "img_in.weight"});
  file.tensors.at("img_in.weight").shape = {3072, channels};
  return file;
}

TEST(Refusals, EachSaysWhatItIsAndWhatToUse) {
  const std::string use_flux1 = ": this engine renders with FLUX.1 Kontext; use flux1-kontext-dev";
  const std::string leave_out =
      ": this engine takes the character from the reference picture alone; leave it out";
  const std::pair<std::vector<std::string>, std::string> rows[] = {
      {{"transformer_blocks.0.qkv_proj.qweight", "transformer_blocks.0.qkv_proj.wscales"},
       "a Nunchaku (SVDQuant) file: its 4-bit weights need Nunchaku's own kernels, which H100 and "
       "H200 lack; use the bf16, fp8 or GGUF file of this model"},
      {{"transformer_blocks.0.attn.to_q.weight_quantizer._scale"},
       "a file that NVIDIA's ModelOpt quantised: its scales are made for TensorRT's engines; use "
       "the bf16, fp8 or GGUF file of this model"},
      {{"double_blocks.0.img_attn.qkv.weight", "double_blocks.0.img_attn.qkv.weight_scale_2"},
       "a file that NVIDIA's ModelOpt quantised: its scales are made for TensorRT's engines; use "
       "the bf16, fp8 or GGUF file of this model"},
      {{"img_in.weight.quant_state.bitsandbytes__nf4"},
       "a bitsandbytes file: its 4-bit weights need bitsandbytes; use the bf16, fp8 or GGUF file "
       "of this model"},
      {{"double_stream_modulation_img.lin.weight", "double_blocks.0.img_attn.qkv.weight"},
       "a FLUX.2 model" + use_flux1},
      {{"double_stream_modulation_img.linear.weight"}, "a FLUX.2 model" + use_flux1},
      {{"bn.running_mean", "decoder.conv_in.weight"},
       "FLUX.2's autoencoder: FLUX.1 Kontext needs FLUX.1's own, ae.safetensors"},
      {{"controlnet_x_embedder.weight", "transformer_blocks.0.attn.to_q.weight"},
       "a ControlNet" + leave_out},
      {{"redux_up.weight", "redux_down.weight"}, "FLUX.1 Redux or an IP adapter" + leave_out},
      {{"distilled_guidance_layer.in_proj.weight", "double_blocks.0.img_attn.qkv.weight"},
       "a Chroma model" + use_flux1},
      {{"model.diffusion_model.input_blocks.0.0.weight"}, "a Stable Diffusion model" + use_flux1},
      {{"enc.blk.0.attn_rel_b.weight", "enc.blk.1.attn_rel_b.weight"},
       "a UMT5 text encoder: FLUX.1 needs T5 v1.1 XXL, t5xxl"},
  };
  for (const auto& [names, sentence] : rows)
    EXPECT_EQ(refusal_of(names_only(names)), "model.safetensors is " + sentence);
}

TEST(Refusals, ControlModelsAreToldByTheirInput) {
  EXPECT_EQ(refusal_of(with_input(128)),
            "model.safetensors is a control model of the FLUX.1 family (Canny or Depth): Kontext "
            "takes 64; use flux1-kontext-dev");
  EXPECT_EQ(refusal_of(with_input(384)),
            "model.safetensors is FLUX.1 Fill: it paints into masks, and Kontext takes 64 "
            "channels; use flux1-kontext-dev");
  EXPECT_EQ(refusal_of(with_input(64)), "nothing");
}

TEST(Refusals, StableDiffusionsAutoencoderIsToldByItsChannels) {
  TensorFile file = names_only({"decoder.conv_in.weight"});
  file.tensors.at("decoder.conv_in.weight").shape = {512, 4, 3, 3};
  EXPECT_EQ(refusal_of(file),
            "model.safetensors is Stable Diffusion's autoencoder: FLUX.1 Kontext needs FLUX.1's "
            "own, ae.safetensors");
}

TEST(Refusals, ALoraIsNoModel) {
  EXPECT_EQ(refusal_of(names_only({"transformer.single_transformer_blocks.0.proj_out.lora_A.weight",
                                   "x.lora_B.weight"})),
            "model.safetensors is a LoRA, not a model: give it as a LoRA beside a model");
}

TEST(Refusals, AnyMetadataThatSaysModelOptIsEnough) {
  TensorFile file = with_input(64);
  file.metadata["quantization_config"] = R"({"quant_method": "modelopt"})";
  EXPECT_NE(refusal_of(file).find("ModelOpt quantised"), std::string::npos);
}

TEST(Refusals, APickleIsRefusedUnread) {
  const Folder folder;
  folder.write("m.ckpt", std::string_view("PK\3\4rest of an archive"));
  const auto file = open_tensor_file(folder / "m.ckpt");
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().what.find("is a PyTorch pickle, which can run code when it is read; use "
                                   "the .safetensors file of this model"),
            std::string::npos);
}

}  // namespace
}  // namespace pirouette::flux
