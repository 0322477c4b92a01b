#include "worker/flux/storage/refusals.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace pirouette::flux {
namespace {

bool any_contains(const TensorFile& file, std::initializer_list<std::string_view> marks) {
  return std::ranges::any_of(file.tensors, [&](const auto& named) {
    return std::ranges::any_of(
        marks, [&](std::string_view mark) { return named.first.find(mark) != std::string::npos; });
  });
}

bool any_ends(const TensorFile& file, std::string_view suffix) {
  return std::ranges::any_of(file.tensors,
                             [&](const auto& named) { return named.first.ends_with(suffix); });
}

// The size of that dimension of the first tensor whose name ends so; none if there is none.
std::optional<std::int64_t> size_of(const TensorFile& file, std::string_view suffix,
                                    std::size_t dimension) {
  for (const auto& [name, tensor] : file.tensors)
    if (name.ends_with(suffix) && tensor.shape.size() > dimension) return tensor.shape[dimension];
  return std::nullopt;
}

std::optional<std::int64_t> channels_in(const TensorFile& file) {
  if (!any_contains(file, {"double_blocks.0.img_", "transformer_blocks.0.attn.to_q"}))
    return std::nullopt;
  const auto bfl = size_of(file, "img_in.weight", 1);
  return bfl ? bfl : size_of(file, "x_embedder.weight", 1);
}

bool says_modelopt(const TensorFile& file) {
  return std::ranges::any_of(file.metadata, [](const auto& entry) {
    return entry.second.find("modelopt") != std::string::npos;
  });
}

constexpr std::array kRefusals = std::to_array<Refusal>({
    {"a Nunchaku (SVDQuant) file", "tensors NAME.qweight and NAME.wscales",
     "its 4-bit weights need Nunchaku's own kernels, which H100 and H200 lack; use the bf16, fp8 "
     "or "
     "GGUF file of this model",
     [](const TensorFile& f) {
       return any_ends(f, ".qweight") &&
              (any_ends(f, ".wscales") || any_ends(f, ".wtscale") || any_ends(f, ".wcscales"));
     }},
    {"a file that NVIDIA's ModelOpt quantised",
     "NAME.weight_quantizer.* or NAME.weight_scale_2 without ComfyUI's description, or "
     "quant_method modelopt",
     "its scales are made for TensorRT's engines; use the bf16, fp8 or GGUF file of this model",
     [](const TensorFile& f) {
       const bool comfy =
           any_ends(f, ".comfy_quant") || f.metadata.contains("_quantization_metadata");
       return any_contains(f, {"weight_quantizer.", "input_quantizer."}) || says_modelopt(f) ||
              (!comfy && (any_ends(f, ".weight_scale_2") || any_ends(f, ".pre_quant_scale")));
     }},
    {"a bitsandbytes file", "NAME.quant_state.bitsandbytes__* or NAME.absmax",
     "its 4-bit weights need bitsandbytes; use the bf16, fp8 or GGUF file of this model",
     [](const TensorFile& f) {
       return any_contains(f, {".quant_state.bitsandbytes"}) || any_ends(f, ".absmax");
     }},
    {"a FLUX.2 model", "double_stream_modulation_img.*",
     "this engine renders with FLUX.1 Kontext; use flux1-kontext-dev",
     [](const TensorFile& f) { return any_contains(f, {"double_stream_modulation_img"}); }},
    {"FLUX.2's autoencoder", "bn.running_mean beside decoder.conv_in",
     "FLUX.1 Kontext needs FLUX.1's own, ae.safetensors",
     [](const TensorFile& f) {
       return any_ends(f, "bn.running_mean") && any_ends(f, "decoder.conv_in.weight");
     }},
    {"a ControlNet", "controlnet_blocks.*, controlnet_x_embedder.*, input_hint_block.*",
     "this engine takes the character from the reference picture alone; leave it out",
     [](const TensorFile& f) {
       return any_contains(f, {"controlnet_blocks.", "controlnet_x_embedder", "input_hint_block",
                               "control_model.", "controlnet_mode_embedder"});
     }},
    {"FLUX.1 Redux or an IP adapter", "redux_up.*, redux_down.*, ip_adapter*",
     "this engine takes the character from the reference picture alone; leave it out",
     [](const TensorFile& f) {
       return any_contains(f, {"redux_up.", "redux_down.", "ip_adapter"});
     }},
    {"a control model of the FLUX.1 family (Canny or Depth)", "an input of 128 channels",
     "Kontext takes 64; use flux1-kontext-dev",
     [](const TensorFile& f) { return !is_lora(f) && channels_in(f) == 128; }},
    {"FLUX.1 Fill", "an input of 384 channels",
     "it paints into masks, and Kontext takes 64 channels; use flux1-kontext-dev",
     [](const TensorFile& f) { return !is_lora(f) && channels_in(f) == 384; }},
    {"a Chroma model", "distilled_guidance_layer.*",
     "this engine renders with FLUX.1 Kontext; use flux1-kontext-dev",
     [](const TensorFile& f) { return any_contains(f, {"distilled_guidance_layer."}); }},
    {"a Stable Diffusion model", "input_blocks.*, joint_blocks.*, or a UNet's down_blocks.*",
     "this engine renders with FLUX.1 Kontext; use flux1-kontext-dev",
     [](const TensorFile& f) {
       return any_contains(f, {"input_blocks.0.0.weight", "joint_blocks.0.",
                               "down_blocks.0.attentions.", "down_blocks.1.attentions."});
     }},
    {"Stable Diffusion's autoencoder", "a decoder of 4 latent channels",
     "FLUX.1 Kontext needs FLUX.1's own, ae.safetensors",
     [](const TensorFile& f) { return size_of(f, "decoder.conv_in.weight", 1) == 4; }},
    {"a UMT5 text encoder", "relative_attention_bias in every block",
     "FLUX.1 needs T5 v1.1 XXL, t5xxl",
     [](const TensorFile& f) {
       return any_ends(f, "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight") ||
              any_ends(f, "enc.blk.1.attn_rel_b.weight");
     }},
});

}  // namespace

std::span<const Refusal> refusals() { return kRefusals; }

std::optional<Error> find_refusal(const TensorFile& file) {
  for (const Refusal& refusal : kRefusals)
    if (refusal.is(file))
      return Error{Errc::invalid, file.path.string() + " is " + std::string(refusal.what) + ": " +
                                      std::string(refusal.advice)};
  return std::nullopt;
}

bool is_lora(const TensorFile& file) {
  return any_contains(file, {".lora_A.", ".lora_B.", ".lora_down.", ".lora_up.", "_lora.down.",
                             "_lora.up.", "_lora1.", "_lora2.", ".lora.down.", ".lora.up.",
                             ".lokr_", ".hada_", ".dora_scale", ".lora_magnitude_vector"});
}

Result<void> check_quantisation(const std::string& method, const std::string& path) {
  if (method.empty()) return {};
  return Error{Errc::invalid, path + " says that the weights are quantised with " +
                                  shown_name(method) +
                                  ", which is not read; use the bf16, fp8 or GGUF file of this "
                                  "model"};
}

}  // namespace pirouette::flux
