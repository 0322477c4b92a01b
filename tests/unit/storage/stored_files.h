#pragma once
// Files of tensors for tests of what they are: by names alone, or with numbers on disk.

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "common/files.h"
#include "tests/support/folder.h"
#include "worker/flux/storage/safetensors.h"
#include "worker/flux/storage/tensor_file.h"

namespace pirouette::flux {

// Tensors of these names, one number each, that are nowhere: enough to be recognised.
inline TensorFile names_only(const std::vector<std::string>& names) {
  TensorFile file{"model.safetensors", {}, {}};
  for (const std::string& name : names) {
    StoredTensor tensor;
    tensor.shape = {1};
    file.tensors.emplace(name, tensor);
  }
  return file;
}

// A test's own folder, with files of bytes.
class Folder : public TestFolder {
 public:
  void write(const std::string& name, std::span<const std::uint8_t> bytes) const {
    std::filesystem::create_directories((*this / name).parent_path());
    ASSERT_TRUE(write_file_durably(*this / name, bytes).ok());
  }
  void write(const std::string& name, std::string_view text) const {
    write(name, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }
};

// A .safetensors file of tensors added one by one.
class SafetensorsFile {
 public:
  template <typename T>
  void add(const std::string& name, Dtype dtype, std::vector<std::int64_t> shape,
           const std::vector<T>& numbers) {
    auto& bytes = kept_.emplace_back(numbers.size() * sizeof(T));
    if (!numbers.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
    tensors_.push_back({name, dtype, std::move(shape), bytes});
  }
  std::vector<std::uint8_t> bytes(const std::map<std::string, std::string>& metadata = {}) const {
    return format_safetensors(tensors_, metadata);
  }

 private:
  std::deque<std::vector<std::uint8_t>> kept_;
  std::vector<NamedBytes> tensors_;
};

}  // namespace pirouette::flux
