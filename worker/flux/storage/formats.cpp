#include "worker/flux/storage/formats.h"

#include "worker/flux/storage/dtype.h"
#include "worker/flux/storage/refusals.h"

namespace pirouette::flux {

std::vector<Format> layout_formats() {
  return {
      {"diffusers folder", "the folders transformer/, text_encoder/, text_encoder_2/, vae/",
       "as FLUX.1-Kontext-dev is published; shards by their index; numbers from its JSON files"},
      {"Black Forest Labs single file", "double_blocks.0.img_*, under any prefix",
       "the other parts from beside it: a diffusers folder's, ComfyUI's, or loose files"},
      {"ComfyUI models folder",
       "the folders diffusion_models/ or unet/, text_encoders/ or clip/, vae/, checkpoints/",
       "each file is told from its tensors; give the folder, or the transformer's file in it"},
      {"checkpoint of all parts", "the marks of all four parts under prefixes of their own",
       "anywhere; tensors that belong to no part are an error"},
      {"transformer under diffusers' names", "transformer_blocks.0.attn.to_q",
       "q, k and v are joined, the final layer's halves swapped"},
      {"QK norms", "NAME_norm.scale or NAME_norm.weight", "both spellings"},
      {"CLIP-L", "embeddings.token_embedding.weight, under any prefix",
       "with and without text_model.; a vision half is left out"},
      {"T5 v1.1 XXL", "block.0.layer.0.SelfAttention.q.weight, under any prefix",
       "with and without encoder."},
      {"T5 under llama.cpp's names", "enc.blk.0.attn_q.weight", "as GGUF files spell it"},
      {"autoencoder under Black Forest Labs' names", "decoder.up.0.block.0", "as it is"},
      {"autoencoder under diffusers' names", "decoder.up_blocks.0.resnets.0", "renamed"},
  };
}

std::vector<Format> dtype_formats() {
  const std::string as_it_lies =
      "a view of the mapped file where that is the dtype computed in; cast otherwise";
  const std::string decoded = "decoded exactly, on all threads, to the dtype computed in";
  std::vector<Format> formats;
  for (const Dtype dtype : {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16})
    formats.push_back({std::string(dtype_name(dtype)), "safetensors or GGUF header", as_it_lies});
  for (const Dtype dtype : {Dtype::f8_e4m3, Dtype::f8_e5m2})
    formats.push_back({std::string(dtype_name(dtype)), "safetensors header", decoded});
  formats.push_back({"scaled float8, old spelling",
                     "NAME.scale_weight (scaled_fp8, NAME.scale_input)",
                     "weight times scale in float32; scales of activations are not needed"});
  formats.push_back({"scaled float8, new spelling",
                     "NAME.weight_scale (NAME.comfy_quant or _quantization_metadata, "
                     "NAME.input_scale)",
                     "the same; one scale, or one a row"});
  for (const Dtype dtype :
       {Dtype::q8_0, Dtype::q6_k, Dtype::q5_k, Dtype::q4_k, Dtype::q5_0, Dtype::q4_0})
    formats.push_back({std::string(dtype_name(dtype)), "GGUF header", decoded});
  return formats;
}

std::vector<Format> refused_formats() {
  std::vector<Format> formats;
  for (const Refusal& refusal : refusals())
    formats.push_back(
        {std::string(refusal.what), std::string(refusal.told_by), std::string(refusal.advice)});
  formats.push_back({"a PyTorch pickle", "a zip archive or pickle instead of a header",
                     "it can run code when it is read; use the .safetensors file of this model"});
  formats.push_back({"another quantisation of ComfyUI (nvfp4, int8_tensorwise …)",
                     "the format that NAME.comfy_quant or _quantization_metadata names",
                     "use the float8, bf16 or GGUF file of this model"});
  formats.push_back({"another kind of GGUF blocks (Q2_K, Q3_K, Q4_1, IQ4_XS …)", "GGUF header",
                     "use a Q8_0, Q6_K, Q5_K, Q4_K, Q5_0, Q4_0 or F16 file of this model"});
  formats.push_back({"a LoRA in a model's place", "NAME.lora_A, NAME.lora_down and their like",
                     "give it as a LoRA beside a model"});
  return formats;
}

}  // namespace pirouette::flux
