#pragma once
// The header of a .safetensors file: which tensor lies where. Pure and free of torch, because these
// bytes come from strangers and this parser is fuzzed. Layout (huggingface/safetensors): 8 bytes
// little-endian length N, N bytes of JSON {"name": {"dtype", "shape", "data_offsets": [begin,
// end]},
// "__metadata__": {…}}, then the tensors' bytes.
//
// What parse returns is true: every tensor lies inside the file, its bytes fit its shape and dtype,
// no two overlap, and no byte belongs to no tensor (the format's own rule: what a writer did not
// name is damage).

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/storage/dtype.h"

namespace pirouette::flux {

struct TensorEntry {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  // bytes from the start of the file
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<TensorEntry> entries;  // in the order of their bytes
  std::map<std::string, std::string> metadata;
};

// The format's own limit (safetensors' MAX_HEADER_SIZE).
inline constexpr std::uint64_t kSafetensorsHeaderMaxBytes = 100'000'000;

// file: all bytes of the file (mapped); only the header's are read. corrupt says what is wrong with
// which tensor.
Result<SafetensorsHeader> parse_safetensors(std::span<const std::uint8_t> file);

struct NamedBytes {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::uint8_t> bytes;  // row-major; as many as shape and dtype say
};

// A whole file that parse_safetensors reads back; the data starts at a multiple of 8.
std::vector<std::uint8_t> format_safetensors(const std::vector<NamedBytes>& tensors,
                                             const std::map<std::string, std::string>& metadata);

}  // namespace pirouette::flux
