#pragma once
// A served request on its way back from a request thread to its connection.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "coordinator/http/exchange.h"

namespace pirouette::http {

struct Piece {
  std::string bytes{};
  bool last = false;
  bool broken = false;  // there is no more, though there should be: the connection must say so
};
// The next piece of a long answer, at each call on a request thread, never on two at once.
using Pieces = std::function<Piece()>;

struct Reply {
  std::string bytes;             // the head, and the body if it is not long
  Pieces rest;                   // what comes after, unless it is empty
  std::optional<Follow> follow;  // or so
  std::string left_over;         // of what an upload read: the next request's first bytes
  bool unread = false;           // there is more of this request, which nobody wants
  bool close = false;            // no further request
};

}  // namespace pirouette::http
