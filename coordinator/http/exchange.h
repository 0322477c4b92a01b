#pragma once
// One request and its answer, as the routes see them: no library in it. A route is a function from
// a Request to an Answer or an Error; server.cpp does the rest (sockets, problem documents,
// counting).

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/result.h"

namespace pirouette::http {

// Header names in lower case.
using Headers = std::map<std::string, std::string, std::less<>>;

struct Request {
  std::string method;                   // "HEAD" arrives as itself: the answer's body is not sent
  std::string path;                     // decoded, without the query
  std::vector<std::string> parameters;  // what stood at the pattern's {…}, in order
  std::multimap<std::string, std::string, std::less<>> query;
  Headers headers;
  // Reads the body: at most limit bytes, invalid beyond. Once, this way or the other.
  std::function<Result<std::string>(std::size_t limit)> read_body;
  // The same piece by piece, for what is too large for memory. What take returns ends it.
  using TakePiece = std::function<Result<void>(std::span<const std::uint8_t>)>;
  std::function<Result<void>(std::uint64_t limit, const TakePiece& take)> stream_body;

  // "" where there is none.
  std::string_view header(std::string_view name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
  }
};

// What a long answer writes with, piece by piece. false: the reader is gone.
struct Sink {
  std::function<bool(std::string_view)> write;
  std::function<bool()> is_open;
};

// Called again and again until it returns false, each time when the reader took what was written
// before. What one call writes is in memory at once; it must not wait.
using Stream = std::function<bool(const Sink&)>;

// The answer goes on as an event stream (stream_hub.h).
struct Follow {
  std::optional<EventId> after;  // the last row that the reader has; none: it begins at now
  std::shared_ptr<void> place;   // one of kStreamsMax, held for as long as the stream is open
};

struct Answer {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  // Instead of body, one of:
  std::function<Result<std::vector<std::uint8_t>>(std::uint64_t offset, std::size_t length)> read;
  std::uint64_t read_bytes = 0;  // of read: how many there are in all
  Stream stream;
  std::optional<Follow> follow;
};

using Serve = std::function<Result<Answer>(const Request&)>;

}  // namespace pirouette::http
