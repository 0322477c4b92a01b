#pragma once
// Files of tensors for tests of what they are: by names alone, or with numbers on disk.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "common/files.h"
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

// A folder of one test's own, gone when the test ends.
class Folder {
 public:
  Folder() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("pirouette-storage-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

  void write(const std::string& name, std::span<const std::uint8_t> bytes) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    ASSERT_TRUE(write_file_durably(path_ / name, bytes).ok());
  }
  void write(const std::string& name, std::string_view text) const {
    write(name, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }

 private:
  std::filesystem::path path_;
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
