#pragma once
// LoRA files in memory, one kind whatever wrote them: a list of modules, each with the change of
// one canonical tensor, or of some rows of it. lora_spelling.h knows where a module lies,
// lora_key.h what a tensor is to it, lora_merge.h adds the changes to a model.
//
// Nothing is dropped: a key that fits nothing, or that says something this engine cannot do, fails
// the load and is named. A style that silently does not apply costs a night.

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "common/result.h"
#include "worker/flux/checkpoint.h"
#include "worker/flux/lora_spelling.h"

namespace pirouette::flux {

// The kinds of change, each of a matrix [out, in]. Tensors as stored, mostly views of the file.
struct LowRank {
  Tensor down;  // [rank, in]
  Tensor up;    // [out, rank]; the change is up down
};
struct Kronecker {  // LoKr
  Tensor w1, w2;    // [a, b], [c, d], float32; the change [ac, bd] is their Kronecker product
};
struct Hadamard {                 // LoHa
  Tensor w1_a, w1_b, w2_a, w2_b;  // the change is (w1_a w1_b) * (w2_a w2_b), element by element
};
struct Dense {
  Tensor delta;  // the change itself; of a bias or a norm one-dimensional
};

struct LoraModule {
  std::string name;  // as the file says it
  LoraTarget target;
  std::variant<LowRank, Kronecker, Hadamard, Dense> change;
  double scale = 1.0;    // alpha / rank, or 1 where the file names no alpha
  bool of_bias = false;  // the change is of the module's bias
  const LoraSpelling* spelling = nullptr;

  std::string tensor() const;  // the canonical tensor that it changes
  int64_t rank() const;        // 0 where there is none
};

struct Lora {
  std::string source;  // for errors
  std::vector<LoraModule> modules;

  bool changes(LoraModel model) const;
};

// path: a .safetensors file, or a PEFT adapter's folder. Alpha comes from NAME.alpha, else from the
// file's lora_adapter_metadata, else from the folder's adapter_config.json.
// invalid: not a LoRA for FLUX.1, or one that says what is not supported (DoRA, T5, …).
Result<Lora> load_lora(const std::filesystem::path& path);

// Its tensors go to the device behind what that has to do, read from the file by this thread.
void send_to_device(Lora& lora, at::Device device);

struct ScaledLora {
  Lora lora;
  double scale = 1.0;  // may be negative
};

}  // namespace pirouette::flux
