#include "coordinator/http/ranges.h"

#include <algorithm>

#include "coordinator/http/parameters.h"

namespace pirouette::http {

RangeWish parse_range(std::string_view header, std::uint64_t total_bytes) {
  constexpr std::string_view kUnit = "bytes=";
  const std::size_t dash = header.find('-');
  if (!header.starts_with(kUnit) || dash == std::string_view::npos) return {};
  const std::string_view first_text = header.substr(kUnit.size(), dash - kUnit.size());
  const std::string_view last_text = header.substr(dash + 1);
  const auto first = parse_number(first_text), last = parse_number(last_text);

  if (first_text.empty()) {  // "-500": the last 500
    if (!last) return {};
    if (*last == 0 || total_bytes == 0) return {false, std::nullopt};
    const std::uint64_t length = std::min(*last, total_bytes);
    return {true, ByteRange{total_bytes - length, length}};
  }
  if (!first || (!last && !last_text.empty()) || (last && *last < *first)) return {};
  if (*first >= total_bytes) return {false, std::nullopt};
  const std::uint64_t end = last ? std::min(*last, total_bytes - 1) : total_bytes - 1;
  return {true, ByteRange{*first, end - *first + 1}};
}

}  // namespace pirouette::http
