#include "worker/flux/lora_spelling.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace pirouette::flux {
namespace {

// The first that knows the whole name counts. No name is in two vocabularies.
constexpr std::array kSpellings = std::to_array<LoraSpelling>({
    {"diffusers", "transformer.", find_diffusers_module, Joint::dots,
     "transformer.transformer_blocks.0.attn.to_q", "diffusers, ai-toolkit"},
    {"diffusers, no prefix", "", find_diffusers_module, Joint::dots,
     "transformer_blocks.0.attn.to_q", "conversions"},
    {"PEFT adapter", "base_model.model.", find_diffusers_module, Joint::dots,
     "base_model.model.transformer_blocks.0.attn.to_q", "PEFT (folder with adapter_config.json)"},
    {"diffusers in ComfyUI", "diffusion_model.", find_diffusers_module, Joint::dots,
     "diffusion_model.transformer_blocks.0.attn.to_q", "conversions for ComfyUI"},
    {"OneTrainer", "lora_transformer_", find_diffusers_module, Joint::underscores,
     "lora_transformer_transformer_blocks_0_attn_to_q", "OneTrainer"},
    {"LyCORIS", "lycoris_", find_diffusers_module, Joint::underscores,
     "lycoris_transformer_blocks_0_attn_to_q", "SimpleTuner, LyCORIS"},
    {"kohya, diffusers names", "lora_unet_", find_diffusers_module, Joint::underscores,
     "lora_unet_transformer_blocks_0_attn_to_q", "older OneTrainer"},
    {"kohya", "lora_unet_", find_bfl_module, Joint::underscores,
     "lora_unet_double_blocks_0_img_attn_qkv", "kohya sd-scripts (fused and split)"},
    {"LyCORIS, original names", "lycoris_", find_bfl_module, Joint::underscores,
     "lycoris_double_blocks_0_img_attn_qkv", "LyCORIS"},
    {"ComfyUI", "diffusion_model.", find_bfl_module, Joint::dots,
     "diffusion_model.double_blocks.0.img_attn.qkv", "ComfyUI, musubi-tuner"},
    {"ComfyUI checkpoint", "model.diffusion_model.", find_bfl_module, Joint::dots,
     "model.diffusion_model.double_blocks.0.img_attn.qkv", "cut from checkpoints"},
    {"fal", "base_model.model.", find_bfl_module, Joint::dots,
     "base_model.model.double_blocks.0.img_attn.qkv", "fal's Kontext trainer"},
    {"original, transformer prefix", "transformer.", find_bfl_module, Joint::dots,
     "transformer.double_blocks.0.img_attn.qkv", "conversions"},
    {"original", "", find_bfl_module, Joint::dots, "double_blocks.0.img_attn.qkv",
     "Black Forest Labs"},
    {"x-labs", "", find_xlabs_module, Joint::dots, "double_blocks.0.processor.qkv_lora1",
     "x-labs (no alpha)"},
    {"x-labs in ComfyUI", "diffusion_model.", find_xlabs_module, Joint::dots,
     "diffusion_model.double_blocks.0.processor.qkv_lora1", "x-labs, converted"},
    {"CLIP, kohya", "lora_te1_", find_clip_module, Joint::underscores,
     "lora_te1_text_model_encoder_layers_0_self_attn_q_proj", "kohya sd-scripts, OneTrainer"},
    {"CLIP, old kohya", "lora_te_", find_clip_module, Joint::underscores,
     "lora_te_text_model_encoder_layers_0_self_attn_q_proj", "kohya sd-scripts"},
    {"CLIP, diffusers", "text_encoder.", find_clip_module, Joint::dots,
     "text_encoder.text_model.encoder.layers.0.self_attn.q_proj", "diffusers"},
    {"CLIP, ComfyUI", "text_encoders.clip_l.transformer.", find_clip_module, Joint::dots,
     "text_encoders.clip_l.transformer.text_model.encoder.layers.0.self_attn.q_proj", "ComfyUI"},
    {"CLIP, ComfyUI, short", "text_encoders.clip_l.", find_clip_module, Joint::dots,
     "text_encoders.clip_l.text_model.encoder.layers.0.self_attn.q_proj", "conversions"},
    {"CLIP, ComfyUI checkpoint", "clip_l.transformer.", find_clip_module, Joint::dots,
     "clip_l.transformer.text_model.encoder.layers.0.self_attn.q_proj", "cut from checkpoints"},
});

}  // namespace

std::span<const LoraSpelling> lora_spellings() { return kSpellings; }

std::optional<SpelledModule> find_spelled_module(std::string_view module) {
  for (const LoraSpelling& spelling : kSpellings) {
    if (!module.starts_with(spelling.prefix)) continue;
    auto target = spelling.find(module.substr(spelling.prefix.size()), spelling.joint);
    if (target) return SpelledModule{&spelling, std::move(*target)};
  }
  return std::nullopt;
}

std::optional<int> consume_block_index(std::string_view& text, Joint joint) {
  int index = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), index);
  const auto digits = static_cast<std::size_t>(end - text.data());
  const char mark = joint == Joint::dots ? '.' : '_';
  if (failed != std::errc() || index < 0 || digits >= text.size() || text[digits] != mark)
    return std::nullopt;
  text.remove_prefix(digits + 1);
  return index;
}

bool is_same_name(std::string_view spelled, std::string_view canonical, Joint joint) {
  if (joint == Joint::dots) return spelled == canonical;
  return std::ranges::equal(spelled, canonical,
                            [](char s, char c) { return s == (c == '.' ? '_' : c); });
}

}  // namespace pirouette::flux
