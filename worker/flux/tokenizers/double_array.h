#pragma once
// A read-only trie in one array, as sentencepiece's models hold it (darts-clone by Susumu Yata,
// BSD): key bytes in, the value of a stored key out. The array comes from a file and may be
// anything: a step that leaves it is a step that finds nothing.
//
// A unit's bits: 31 leaf marker of a value unit (the rest is the value); else 0-7 the byte that
// leads here and 31 clear, 8 "a value lies at the offset", 9 and 10-30 the offset to the children.

#include <cstdint>
#include <string_view>
#include <vector>

namespace pirouette::flux {

class DoubleArray {
 public:
  struct Match {
    std::size_t length = 0;   // bytes of the key; 0 for no match
    std::uint32_t value = 0;  // what the key stands for
  };

  explicit DoubleArray(std::vector<std::uint32_t> units = {}) : units_(std::move(units)) {}

  // The longest stored key that text starts with.
  Match longest_prefix(std::string_view text) const;

 private:
  std::vector<std::uint32_t> units_;
};

}  // namespace pirouette::flux
