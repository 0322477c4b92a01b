#pragma once
// LoRA files, and their merging into a model's weights: W' = W + sum of scale * (alpha / rank) * up
// down. Always from the pristine weights, so that nothing drifts and a change of scale is one
// merge; only the weights that a LoRA touches are copied. Read: what PEFT and diffusers write. A
// key that fits nothing is an error, never skipped: a style that silently does not apply costs a
// night.

#include <filesystem>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/checkpoint.h"
#include "worker/flux/diffusers_layout.h"

namespace pirouette::flux {

// One low-rank change of one module: up down * scale is added to its weight.
struct LowRank {
  std::string name;  // of the module, as the file says it
  Place place;
  Tensor down;         // [rank, in]
  Tensor up;           // [out, rank]
  double scale = 1.0;  // alpha / rank, or 1 where the file names no alpha
};

struct Lora {
  std::string source;  // for errors
  std::vector<LowRank> modules;
};

// path: a .safetensors file, or a PEFT adapter's folder. Alpha comes from NAME.alpha, else from the
// file's lora_adapter_metadata, else from the folder's adapter_config.json.
// invalid: not a LoRA for FLUX.1, or of a kind that is not supported (DoRA, LoKr, text encoders,
// …).
Result<Lora> load_lora(const std::filesystem::path& path);

struct ScaledLora {
  Lora lora;
  double scale = 1.0;  // may be negative
};

// pristine (canonical names) with the LoRAs merged in; untouched tensors are shared with it.
// invalid if a module is not in the model or has another shape there.
Result<Tensors> merge_loras(const Tensors& pristine, const std::vector<ScaledLora>& loras);

}  // namespace pirouette::flux
