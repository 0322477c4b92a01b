#pragma once
// Which parts of FLUX.1 a file of tensors holds, told from the tensors' names alone. A file is one
// part, or several under prefixes of their own (ComfyUI's checkpoints). Prefixes are whatever
// stands before the names that a part must have, so "model.diffusion_model.", "text_encoders.t5xxl.
// transformer." and ones nobody has thought of yet are the same to it. Free of torch.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "worker/flux/storage/tensor_file.h"

namespace pirouette::flux {

enum class PartKind { transformer, clip, t5, autoencoder };

// What a part is called in a diffusers folder, and in pirouette.json: "text_encoder_2".
std::string_view part_name(PartKind kind);
// In a sentence: "the T5 text encoder".
std::string_view part_title(PartKind kind);

enum class Naming {
  black_forest_labs,  // double_blocks.0.img_attn.qkv; encoder.down.0.block.0
  diffusers,          // transformer_blocks.0.attn.to_q; encoder.down_blocks.0.resnets.0
  transformers,       // the text encoders'
  llama_cpp           // enc.blk.0.attn_q: T5 in GGUF files
};
std::string_view naming_title(Naming naming);

struct Part {
  PartKind kind = PartKind::transformer;
  Naming naming = Naming::black_forest_labs;
  std::string prefix;  // that its names had in the file
  // Without the prefix. Text encoders: transformers' names, with their own prefixes put back.
  // Transformers of Black Forest Labs' naming: QK norms spelled .scale.
  TensorFile file;
};

// The width at which a part meets the transformer: CLIP's and T5's vectors, the latents' channels.
// None for the transformer, and where the tensor that tells is missing.
std::optional<std::int64_t> meeting_width(const Part& part);
// The width that a part of that kind must have to fit.
std::optional<std::int64_t> meeting_width(const Part& transformer, PartKind kind);

// The parts, in the enum's order. invalid: a file of another model or kind (refusals.h), of no kind
// known, or with tensors that belong to no part, naming some. Scales are joined to their weights.
Result<std::vector<Part>> recognise(TensorFile file);

}  // namespace pirouette::flux
