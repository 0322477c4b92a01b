#pragma once
// What a worker keeps in its device's memory, as decisions: how a model's weights are kept, what
// fits, and what has to go first. Pure: sizes and uses come in, names go out; whoever owns the
// tensors does what is said. docs/memory.md tells it to admins.
//
// Three kinds of things lie on the device: models (a transformer's base weights and its
// autoencoder), merged variants beside their model, and text encoders. An eighth of the budget is
// left for what a rendering needs while it runs.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace pirouette::engine {

enum class ResidencyMode {
  pristine_on_device,  // base weights and merged variants beside each other
  pristine_on_host,    // base weights in pinned host memory, one variant merged in place from them
  merged_only,         // no base weights: one variant, merged in place from the mapped file
};

std::string_view name(ResidencyMode mode);  // "pristine on device"
// "auto" is none; else as name() says it, with '-' for ' '. invalid lists what there is.
Result<std::optional<ResidencyMode>> parse_residency_mode(std::string_view text);

// On the device, in the dtype that they are computed in.
struct ModelBytes {
  std::uint64_t transformer = 0;
  std::uint64_t autoencoder = 0;
  std::uint64_t text_encoders = 0;
  // Of weights as published, where they are other than those that are rendered with (float8's are
  // made of wider ones); 0 where they are the same.
  std::uint64_t pristine = 0;
  // Of the transformer: the blocks' modulations, which can lie on the host.
  std::uint64_t modulations = 0;
};

struct MemoryBudget {
  std::uint64_t device_bytes = 0;  // for everything, what renderings need included
  // Of host memory beside the device's, for base weights; 0 where the device is the host.
  std::uint64_t host_bytes = 0;
};

// What is left of a budget for a rendering's own tensors. An eighth: at 1024 x 1024 a bf16 model's
// activations and the decoder take 3 to 6 GB (diffusers' peak of 33.9 GB less 24 GB of weights and
// 9.5 GB of T5, which the decoder can use), and cards that hold the model have 40 GB or more; of a
// card of 24 GB, which holds it in float8, an eighth is 3 GB.
std::uint64_t working_bytes(std::uint64_t budget_bytes);

// The first mode that fits, in the order of their names above: with room for one variant that
// changes every weight, and for text encoders that come and go. invalid: none does; says what is
// needed.
Result<ResidencyMode> choose_mode(const ModelBytes& model, const MemoryBudget& budget,
                                  bool keeps_text_encoders);

// What a model takes for as long as it is there, without its variants. pristine_on_device.
std::uint64_t standing_bytes(const ModelBytes& model, bool keeps_text_encoders);

// T5's weights stay on the host and cross one after the other, since the device has no room for
// them beside the model: where the host is another, and they need not stay.
bool streams_text_encoders(const ModelBytes& model, const MemoryBudget& budget,
                           bool keeps_text_encoders);

// The blocks' modulations lie on the host and cross for each picture, since the device has no room
// for them beside a rendering: where the host is another. 0.12 s of a picture's 5 s (PCIe 5).
bool keeps_modulations_on_host(const ModelBytes& model, const MemoryBudget& budget,
                               bool keeps_text_encoders);
// What such a model takes: pristine counts what the host holds then, published weights and the
// variant's modulations.
ModelBytes with_modulations_on_host(ModelBytes model);

// What models render with: float8 weights take half the memory, and pictures differ from those of
// wide ones.
enum class WeightsAs { automatic, wide, float8 };
// "auto", "wide", "float8". invalid lists them.
Result<WeightsAs> parse_weights_as(std::string_view text);
// automatic: float8 on a device with products of it and too little memory for bfloat16.
bool takes_float8(WeightsAs as, std::uint64_t device_bytes, bool has_float8);

// What lies on the device, by use. Owned by the rendering thread.
class Residency {
 public:
  struct Held {
    std::string model;
    std::string variant;  // "" for the model itself
    std::uint64_t bytes = 0;
    bool operator==(const Held&) const = default;
  };
  enum class Stay {
    lasting,  // leaves room for renderings
    passing,  // gone before the next rendering: may take that room
  };

  explicit Residency(std::uint64_t budget_bytes) : budget_bytes_(budget_bytes) {}

  // It came; it is used now.
  void hold(const std::string& model, const std::string& variant, std::uint64_t bytes);
  void use(const std::string& model, const std::string& variant);
  // It went; a model with its variants.
  void drop(const std::string& model, const std::string& variant);

  // What has to go so that so many bytes fit: the variant that was used longest ago first, then
  // whole models. Never the given model, nor the given variant of it. Maybe less than is needed:
  // the device has the last word.
  std::vector<Held> to_let_go(std::uint64_t bytes, Stay stay, const std::string& model,
                              const std::string& variant) const;

  // For something lasting, with nothing let go.
  bool has_room(std::uint64_t bytes) const {
    return held_bytes() + bytes + working_bytes(budget_bytes_) <= budget_bytes_;
  }

  // The last used first.
  const std::vector<Held>& held() const { return held_; }
  std::uint64_t held_bytes() const;
  std::uint64_t budget_bytes() const { return budget_bytes_; }

 private:
  std::uint64_t budget_bytes_;
  std::vector<Held> held_;
};

}  // namespace pirouette::engine
