#pragma once
// The transformer's weights as they lie in memory: pristine, and with LoRAs merged. Three ways,
// by how much memory there is:
//
//   device  pristine weights lie on the device, and beside them each merged variant's own copies of
//           the weights that it changes. A change between variants that are there costs nothing.
//   host    pristine weights lie in the host's memory; the device holds one variant, merged in
//   place. file    no pristine copy: what a variant changed is read again from the file.
//
// In float8 (fp8.h) pristine weights are what the file has, wide or float8; what lies on the device
// to render with, pristine or merged, is made of them: merged wide, then quantised. On the device,
// the wide pristine weights lie beside the quantised ones.
//
// Modulations may lie in the host's memory, page-locked where it can be: a quarter of the model,
// and each is used once a picture, for which it crosses (Linear::weight_on). They are merged on the
// device like the others, and written back: the same bytes. Not beside pristine weights on the
// device, where memory is plenty.
//
// A variant is always made from pristine weights, never from another variant: however often they
// change, the bytes are the same. Owned by one thread; the transformer may be used from several
// while nothing is selected or dropped.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/lora.h"
#include "worker/flux/lora_merge.h"
#include "worker/flux/transformer.h"

namespace pirouette::flux {

enum class PristineAt { device, host, file };

// Canonical tensors of these names from the model's file, dtypes as stored, on the host.
using ReadPristine = std::function<Result<Tensors>(const std::set<std::string>& names)>;

// What lies on the device to render with.
struct WeightsForm {
  bool fp8 = false;                  // the blocks' large weights in float8
  bool modulations_on_host = false;  // and not on the device
};

// Is this canonical tensor of a transformer a weight of the blocks' modulations?
bool is_modulation(const std::string& name);

class Variants {
 public:
  // weights: canonical, as stored. read is kept for PristineAt::file.
  static Result<Variants> load(Weights weights, const RopeAxes& axes, at::ScalarType dtype,
                               at::Device device, PristineAt at, ReadPristine read,
                               WeightsForm form = {});

  PristineAt pristine_at() const { return at_; }
  bool contains(const std::string& key) const;
  // What select() would take on the device beside what is there. invalid: a LoRA does not fit.
  Result<std::uint64_t> bytes_to_merge(const std::vector<ScaledLora>& loras) const;
  // Makes the variant of that key the transformer, merged unless it is there. On an error of the
  // LoRAs everything stays as it was. An exception (out of memory) leaves none selected.
  Result<void> select(const std::string& key, const std::vector<ScaledLora>& loras);
  // What was merged beside pristine weights; if it was selected, pristine is now.
  void drop(const std::string& key);
  void drop_others();  // all but the selected one
  // Nothing: no variant is right since a select() was cut short.
  const Transformer* find_selected() const;

  // The selected variant's tensors, for tests and for what is made from them.
  const Tensors& tensors() const;

 private:
  struct Variant {
    Tensors tensors;
    Transformer transformer;
  };

  Variants() = default;
  Result<void> merge_in_place(const std::vector<ScaledLora>& loras);
  void write(const std::string& name, const Tensors& pristine,
             const std::vector<ScaledChange>* changes);
  Result<Tensors> merge_beside(const std::vector<ScaledLora>& loras) const;
  Result<Tensors> read_pristine(const std::set<std::string>& names) const;

  PristineAt at_ = PristineAt::device;
  at::ScalarType dtype_ = at::kFloat;
  at::Device device_ = at::kCPU;
  RopeAxes axes_{};
  std::string source_;
  ReadPristine read_;
  bool fp8_ = false;
  Tensors pristine_;  // PristineAt::host: on the host; PristineAt::device: where not base_'s own
  std::optional<Variant> base_;            // pristine, or what is merged in place
  std::set<std::string> changed_;          // tensors of base_ that are not pristine
  std::map<std::string, Variant> merged_;  // PristineAt::device, by key
  std::optional<std::string> selected_;    // "" for pristine
};

}  // namespace pirouette::flux
