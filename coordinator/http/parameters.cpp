#include "coordinator/http/parameters.h"

#include <algorithm>
#include <charconv>

#include "coordinator/http/limits.h"

namespace pirouette::http {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

Result<std::uint64_t> parse_id_number(const std::string& text, std::string_view noun) {
  // SQLite's ids are signed.
  const auto number = parse_number(text);
  if (!number || *number == 0 || *number > INT64_MAX) {
    return Error{Errc::not_found, "there is no " + std::string(noun) + " \"" + text +
                                      "\"; ids are numbers from 1 on"};
  }
  return *number;
}

Result<std::optional<std::uint64_t>> parse_query_number(const Request& request,
                                                        std::string_view name) {
  const auto given = request.query.find(name);
  if (given == request.query.end()) return std::optional<std::uint64_t>();
  const auto number = parse_number(given->second);
  if (!number || *number > INT64_MAX) {
    return Error{Errc::invalid, "in the query, " + std::string(name) + "=" + given->second +
                                    " is not a number; leave it out or give one"};
  }
  return number;
}

Result<Paging> parse_paging(const Request& request) {
  Paging paging;
  paging.after = TRY(parse_query_number(request, "after")).value_or(0);
  const std::uint64_t limit = TRY(parse_query_number(request, "limit")).value_or(kListDefault);
  if (limit < 1 || limit > kListMax) {
    return Error{Errc::invalid, "limit=" + std::to_string(limit) + " is not between 1 and " +
                                    std::to_string(kListMax) +
                                    "; ask for the next page with after="};
  }
  paging.limit = limit;
  return paging;
}

Serve with_query(std::vector<std::string> known, Serve serve) {
  return [known = std::move(known), serve = std::move(serve)](const Request& request) {
    for (const auto& [name, value] : request.query) {
      if (std::ranges::find(known, name) != known.end()) continue;
      std::string there_are;
      for (const std::string& one : known) there_are += (there_are.empty() ? "" : ", ") + one;
      return Result<Answer>(
          Error{Errc::invalid,
                "in the query, \"" + name + "\" is not known here; " +
                    (there_are.empty() ? "there are no parameters" : "there are: " + there_are)});
    }
    return serve(request);
  };
}

}  // namespace pirouette::http
