#pragma once
// The page's files, built into the program: what Vite made of web/, or, with PIROUETTE_WEB=OFF, one
// page that says how to build it. Constant data; any thread may read it.

#include <span>
#include <string_view>

namespace pirouette::web {

struct Asset {
  std::string_view path;  // "/index.html", "/assets/index-B4x1k2.js"; begins with a slash
  std::string_view type;  // for Content-Type
  std::string_view etag;  // with its quotes, of the bytes' SHA-256
  std::span<const unsigned char> bytes;
};

// By path, ascending. "/index.html" is always there; paths under /assets/ carry a hash of their
// bytes in their name and never change.
std::span<const Asset> assets();

}  // namespace pirouette::web
