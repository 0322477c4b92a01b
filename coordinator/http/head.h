#pragma once
// Where a request ends, from its first bytes: enough to wait for all of it without a thread. What
// it means is httplib's to say. Stricter than httplib wherever the two could otherwise disagree
// about where the next request begins.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "coordinator/http/exchange.h"

namespace pirouette::http {

struct Head {
  std::size_t bytes = 0;         // with the empty line
  std::uint64_t body_bytes = 0;  // that follow, unless chunked
  bool chunked = false;
  bool expects = false;  // the body comes only after a "100 Continue"

  bool is_upload() const;  // its body is large, of unknown size, or wants to be asked for
};

struct HeadSearch {
  std::optional<Head> head;       // none, and not refused: there is more to come
  std::optional<Answer> refused;  // a problem document; the connection is of no use after it
};

HeadSearch find_head(std::string_view bytes);

}  // namespace pirouette::http
