#include "worker/flux/tokenizers/double_array.h"

namespace pirouette::flux {
namespace {

constexpr std::uint32_t kValueMarker = 1u << 31;
constexpr std::uint32_t kHasValue = 1u << 8;

std::uint32_t offset_of(std::uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
std::uint32_t label_of(std::uint32_t unit) { return unit & (kValueMarker | 0xFF); }

}  // namespace

DoubleArray::Match DoubleArray::longest_prefix(std::string_view text) const {
  Match longest;
  if (units_.empty()) return longest;
  std::uint32_t node = offset_of(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (node >= units_.size() || label_of(units_[node]) != byte) break;
    const std::uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (unit & kHasValue) {
      if (node >= units_.size()) break;
      longest = {i + 1, units_[node] & ~kValueMarker};
    }
  }
  return longest;
}

}  // namespace pirouette::flux
