#pragma once
// Checkpoints on disk as named tensors, and named tensors as a file. Files are mapped, not read: a
// tensor is a view of its file, and the mapping lives as long as any tensor that views it. So a
// 24 GB model "loads" in milliseconds and its pages are read when they are copied to the device.
// A file must not be changed in place while it is mapped (replacing it by a rename is fine).

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/ops.h"
#include "worker/flux/stored_reading.h"

namespace pirouette::flux {

// What a model is built from: each part takes its tensors by name, and finish() finds the ones that
// nobody took. A missing weight or a left-over one is an error that names it.
class Weights {
 public:
  // source: what to call these weights in errors, as a rule a path.
  Weights(Tensors tensors, std::string source)
      : tensors_(std::move(tensors)), source_(std::move(source)) {}

  // not_found: no such tensor; invalid: another shape. A size of -1 stands for any.
  Result<Tensor> take(const std::string& name, at::IntArrayRef shape);
  // NAME.weight and NAME.bias, and the scales of a weight in float8. Sizes of -1 stand for any.
  Result<Linear> take_linear(const std::string& name, int64_t out, int64_t in);
  Result<Conv2d> take_conv(const std::string& name, int64_t out, int64_t in, int64_t kernel);
  Result<GroupNorm> take_group_norm(const std::string& name, int64_t channels);
  bool contains(const std::string& name) const { return tensors_.contains(name); }
  // take_linear() of that name gives it to its Linear too; one that nobody took is left over.
  void adapt(const std::string& name, Adapter adapter) {
    PIROUETTE_CHECK(adapter.scale != nullptr);
    adapters_[name].push_back(std::move(adapter));
  }
  bool is_adapted() const { return !adapters_.empty(); }
  // invalid, naming the first few, if any tensor is left.
  Result<void> finish() const;

  const Tensors& tensors() const { return tensors_; }
  const std::string& source() const { return source_; }
  // All that is left with floating dtypes cast and moved; the others moved only.
  Weights to(at::ScalarType dtype, at::Device device) &&;
  Weights to(at::Device device) &&;  // dtypes as they are

 private:
  Tensors tensors_;
  std::map<std::string, std::vector<Adapter>> adapters_;
  std::string source_;
};

struct Checkpoint {
  Tensors tensors;
  std::map<std::string, std::string> metadata;  // of the file, or of all its shards
};

// A .safetensors or .gguf file; or a folder with one, or with the shards that its one *.index.json
// lists. Dtypes as stored; float8 and blocks become float32. corrupt or invalid, naming file and
// tensor.
Result<Checkpoint> load_checkpoint(const std::filesystem::path& path);

Result<Weights> load_weights(const std::filesystem::path& path);

// Tensors of any device, written durably as they are.
Result<void> save_safetensors(const std::filesystem::path& path, const Tensors& tensors,
                              const std::map<std::string, std::string>& metadata = {});

}  // namespace pirouette::flux
