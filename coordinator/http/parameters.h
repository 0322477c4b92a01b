#pragma once
// What stands in paths and queries, checked.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

// One id of the query; none if it is not there. invalid: not a number from 1 on.
template <typename IdOfNoun>
Result<IdOfNoun> parse_query_id(const Request& request, std::string_view name) {
  const auto number = TRY(parse_query_number(request, name));
  if (number && *number == 0) {
    return Error{Errc::invalid, "in the query, " + std::string(name) +
                                    "=0 names none; ids are "
                                    "numbers from 1 on"};
  }
  return IdOfNoun{number.value_or(0)};
}

// A state by its name; none if it is not there. last: the highest of its enum. invalid names the
// ones there are.
template <typename State>
Result<std::optional<State>> parse_query_state(const Request& request, State last) {
  const auto given = request.query.find("state");
  if (given == request.query.end()) return std::optional<State>();
  std::string there_are;
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    const std::string_view one = name(static_cast<State>(i));
    if (given->second == one) return std::optional<State>(static_cast<State>(i));
    there_are += (i > 0 ? ", " : "") + std::string(one);
  }
  return Error{Errc::invalid,
               "state=" + given->second + " is no state here; there are: " + there_are};
}

// The route with these parameters in its query; any other is refused with their names, so that a
// misspelt filter is not a filter that lets everything through.
Serve with_query(std::vector<std::string> known, Serve serve);

}  // namespace pirouette::http
