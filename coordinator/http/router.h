#pragma once
// The table of routes. A pattern is a path whose {…} segments match one segment of anything; the
// table is small, so finding a route is walking it. Filled before the server starts, then only
// read.

#include <string>
#include <string_view>
#include <vector>

#include "coordinator/http/exchange.h"

namespace pirouette::http {

struct Route {
  std::string method;
  std::string pattern;  // "/api/v1/batches/{id}", as schema/openapi.yaml writes it
  Serve serve;
};

class Router {
 public:
  void add(std::string method, std::string pattern, Serve serve);

  struct Match {
    const Route* route = nullptr;         // null: no route serves this
    std::vector<std::string> parameters;  // of route
    std::string allowed;                  // no route, but the path has these methods: "GET, PUT"
  };
  // HEAD is served by GET's route.
  Match find(std::string_view method, std::string_view path) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace pirouette::http
