#pragma once
// The header of a .gguf file (ggml's docs/gguf.md, versions 2 and 3): what is said of the model,
// and which tensor lies where. Pure and free of torch: fuzzed like the safetensors header.
//
// Layout, little-endian: "GGUF", version u32, count of tensors u64, count of key-values u64; each
// key-value: key, type u32, value; each tensor: name, count of dimensions u32, sizes u64 (the
// fastest first), type u32, offset u64 from where the data begins: the next multiple of
// general.alignment. A string is its length u64 and its bytes.
//
// What parse returns is true: every tensor lies inside the file, its sizes fit whole blocks of its
// type, and no two overlap. Bytes between tensors are padding.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/storage/safetensors.h"

namespace pirouette::flux {

struct GgufHeader {
  std::vector<TensorEntry> entries;  // in the order of their bytes; sizes slowest first, as torch's
  // Text, numbers and truth values as text; of arrays only what comfy.gguf.orig_shape.* says, which
  // is in the entries' shapes already.
  std::map<std::string, std::string> metadata;
};

// The largest header known is a vocabulary of 256,000 pieces, some 10 MB.
inline constexpr std::uint64_t kGgufHeaderMaxBytes = 100'000'000;

bool is_gguf(std::span<const std::uint8_t> file);  // by its first four bytes

// file: all bytes of the file (mapped); only the header's are read. corrupt says what is wrong with
// which tensor or key; invalid: a version or a type of tensor that is not read.
Result<GgufHeader> parse_gguf(std::span<const std::uint8_t> file);

}  // namespace pirouette::flux
