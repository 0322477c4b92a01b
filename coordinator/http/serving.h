#pragma once
// One request thread's way from a request's bytes to its answer's: httplib parses, routes and
// writes the head. Each thread has one of its own, so what belongs to the request at hand is a
// member.

#include <memory>

#include "coordinator/http/reply.h"
#include "coordinator/http/router.h"

namespace pirouette::http {

class RequestStream;
struct Site;

class Serving {
 public:
  Serving(Site& site, const Router& router);
  ~Serving();
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  // last: the connection takes no further request.
  Reply serve(RequestStream& stream, bool last);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::http
