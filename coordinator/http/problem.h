#pragma once
// What went wrong, as RFC 9457 says it: application/problem+json with type, title, status, detail.

#include <string_view>

#include "common/result.h"
#include "coordinator/http/exchange.h"

namespace pirouette::http {

// The one table from an Error's code to an HTTP status.
constexpr int status_of(Errc code) {
  switch (code) {
    case Errc::invalid:
      return 400;
    case Errc::not_found:
      return 404;
    case Errc::conflict:
    case Errc::stale:
      return 409;
    case Errc::timeout:
      return 504;
    case Errc::busy:
    case Errc::cancelled:  // the coordinator is stopping
      return 503;
    case Errc::io:
    case Errc::corrupt:  // on our disk; what a caller sent is invalid
      return 500;
  }
  return 500;
}

// detail: one sentence, as Error::what; it goes out with a capital letter and a period.
Answer problem(int status, std::string_view detail);
Answer problem(const Error& error);

// "Not Found" of 404; "Error" of a status that we never send.
std::string_view reason_phrase(int status);

}  // namespace pirouette::http
