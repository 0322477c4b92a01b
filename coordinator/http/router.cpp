#include "coordinator/http/router.h"

#include <optional>

namespace pirouette::http {
namespace {

// Cuts the first segment, with its slash, off path.
std::string_view cut_segment(std::string_view& path) {
  const std::size_t end = path.find('/', 1);
  const std::string_view segment = path.substr(0, end);
  path = end == std::string_view::npos ? std::string_view() : path.substr(end);
  return segment;
}

std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> parameters;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = cut_segment(pattern), segment = cut_segment(path);
    if (wanted.size() > 1 && wanted[1] == '{') {
      parameters.emplace_back(segment.substr(1));
    } else if (wanted != segment) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return parameters;
}

}  // namespace

void Router::add(std::string method, std::string pattern, Serve serve) {
  routes_.push_back({std::move(method), std::move(pattern), std::move(serve)});
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  if (method == "HEAD") method = "GET";
  Match found;
  for (const Route& route : routes_) {
    auto parameters = match(route.pattern, path);
    if (!parameters) continue;
    if (route.method == method) return {&route, std::move(*parameters), {}};
    if (!found.allowed.empty()) found.allowed += ", ";
    found.allowed += route.method;
  }
  return found;
}

}  // namespace pirouette::http
