#pragma once
// Named tensors as they lie in files, mapped and not yet read: a .safetensors or .gguf file (told
// apart by their first bytes), or a folder with one file or with the shards of one index. Cheap to
// open (headers only) and free of torch, so that a model can be recognised before it is loaded.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/storage/dtype.h"
#include "worker/flux/storage/mapping.h"

namespace pirouette::flux {

struct StoredTensor {
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;
  std::shared_ptr<const Mapping> mapping;  // lives as long as anything that views it
  std::uint64_t begin = 0, end = 0;        // its bytes there
  std::vector<float> scales;               // of a scaled weight: one, or one a row; empty for none

  std::span<const std::uint8_t> bytes() const {
    return mapping->bytes().subspan(begin, end - begin);
  }
};

using StoredTensors = std::map<std::string, StoredTensor>;

struct TensorFile {
  std::filesystem::path path;  // for errors
  StoredTensors tensors;
  std::map<std::string, std::string> metadata;  // of the file, or of all its shards
};

// not_found, io; corrupt or invalid, naming file and tensor. A PyTorch pickle (.ckpt, .pt, .bin) is
// refused: to read one is to run what it says.
Result<TensorFile> open_tensor_file(const std::filesystem::path& path);

// {"weight_map": {tensor: file}} as tensor -> file name, each name a plain one of the same folder.
Result<std::map<std::string, std::string>> parse_shard_index(std::span<const std::uint8_t> text);

}  // namespace pirouette::flux
