#pragma once
// The Range header (RFC 9110, 14.2), one range of bytes. Anything else in it may be ignored, and
// is.

#include <cstdint>
#include <optional>
#include <string_view>

namespace pirouette::http {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

struct RangeWish {
  bool satisfiable = true;         // false: it begins after the end; 416
  std::optional<ByteRange> range;  // none: the whole
};

RangeWish parse_range(std::string_view header, std::uint64_t total_bytes);

}  // namespace pirouette::http
