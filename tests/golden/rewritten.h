#pragma once
// The golden files in other spellings: copied tensor by tensor under other names, with others added
// or numbers stored otherwise. What the engine computes from them must stay what the reference
// computed.

#include <unistd.h>

#include <deque>
#include <functional>

#include "common/files.h"
#include "tests/golden/golden.h"
#include "tests/support/gguf_file.h"
#include "worker/flux/storage/parts.h"
#include "worker/flux/storage/safetensors.h"

namespace pirouette::flux::golden {

// A folder of one test's own, gone when the test ends.
class Folder {
 public:
  explicit Folder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("pirouette-" + name + "-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A .safetensors file put together of others' tensors.
class Rewritten {
 public:
  // Every tensor of that file, under the name that rename gives it; "" leaves it out.
  Rewritten& copy(const std::filesystem::path& from,
                  const std::function<std::string(const std::string&)>& rename) {
    const TensorFile file = get(open_tensor_file(from));
    for (const auto& [name, tensor] : file.tensors) {
      const std::string renamed = rename(name);
      if (renamed.empty()) continue;
      const auto bytes = tensor.bytes();
      add(renamed, tensor.dtype, tensor.shape, {bytes.begin(), bytes.end()});
    }
    return *this;
  }
  Rewritten& add(const std::string& name, Dtype dtype, const std::vector<std::int64_t>& shape,
                 std::vector<std::uint8_t> bytes) {
    const auto& kept = kept_.emplace_back(std::move(bytes));
    tensors_.push_back({name, dtype, shape, kept});
    return *this;
  }
  void save(const std::filesystem::path& path,
            const std::map<std::string, std::string>& metadata = {}) const {
    std::filesystem::create_directories(path.parent_path());
    get(write_file_durably(path, format_safetensors(tensors_, metadata)));
  }

 private:
  std::deque<std::vector<std::uint8_t>> kept_;
  std::vector<NamedBytes> tensors_;
};

// "a.b" -> "a.c" where it ends so.
inline std::string with_end(const std::string& name, std::string_view end, std::string_view to) {
  if (!name.ends_with(end)) return name;
  return name.substr(0, name.size() - end.size()) + std::string(to);
}

// The numbers as a GGUF file stores them: vectors and what fits no blocks in F32, the rest in that
// dtype; rows that fill no whole blocks reshaped, as ComfyUI-GGUF's convert.py does it.
inline void save_gguf(const std::filesystem::path& path, const Tensors& tensors, Dtype dtype,
                      const std::function<std::string(const std::string&)>& rename) {
  GgufFile file;
  for (const auto& [name, tensor] : tensors) {
    const Tensor numbers = tensor.to(at::kFloat).contiguous();
    const auto* first = numbers.data_ptr<float>();
    const std::span<const float> all(first, static_cast<std::size_t>(numbers.numel()));
    const auto elements = static_cast<std::int64_t>(block_elements(dtype));
    const bool plain = tensor.dim() < 2 || (is_block(dtype) && numbers.numel() % elements != 0);
    const std::string renamed = rename(name);
    if (plain || !is_block(dtype)) {
      const bool half = !plain && dtype == Dtype::f16;
      const Tensor stored = half ? numbers.to(at::kHalf) : numbers;
      file.add_tensor(renamed, tensor.sizes().vec(), ggml_type(half ? Dtype::f16 : Dtype::f32),
                      {static_cast<const std::uint8_t*>(stored.data_ptr()), stored.nbytes()});
      continue;
    }
    std::vector<std::int64_t> shape = tensor.sizes().vec();
    if (shape.back() % elements != 0) {
      file.add_numbers("comfy.gguf.orig_shape." + renamed, {shape.begin(), shape.end()});
      shape = {numbers.numel() / elements, elements};
    }
    file.add_tensor(renamed, shape, ggml_type(dtype), quantise(dtype, all));
  }
  get(write_file_durably(path, file.bytes()));
}

}  // namespace pirouette::flux::golden
