#pragma once
// Numbers in paths and queries, checked.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "common/result.h"
#include "coordinator/http/exchange.h"

namespace pirouette::http {

// Decimal digits and nothing else.
std::optional<std::uint64_t> parse_number(std::string_view text);

// The id in a path; noun is for the message: "batch". not_found unless a number from 1 on.
Result<std::uint64_t> parse_id_number(const std::string& text, std::string_view noun);

template <typename IdOfNoun>
Result<IdOfNoun> parse_id(const std::string& text, std::string_view noun) {
  return IdOfNoun{TRY(parse_id_number(text, noun))};
}

struct Paging {
  std::uint64_t after = 0;  // the id of the last one seen; 0: from the start
  std::size_t limit = 0;
};
// ?limit= and ?after= of a list. invalid: not numbers, or out of range.
Result<Paging> parse_paging(const Request& request);

// One number of the query; none if it is not there. invalid: not a number.
Result<std::optional<std::uint64_t>> parse_query_number(const Request& request,
                                                        std::string_view name);

}  // namespace pirouette::http
