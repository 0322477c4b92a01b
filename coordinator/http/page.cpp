// The page's files, from the program itself.

#include <algorithm>

#include "coordinator/http/site.h"
#include "web/assets.h"

namespace pirouette::http {
namespace {

const web::Asset* find_asset(std::string_view path) {
  const auto assets = web::assets();
  const auto found = std::ranges::lower_bound(assets, path, {}, &web::Asset::path);
  return found != assets.end() && found->path == path ? &*found : nullptr;
}

}  // namespace

Result<Answer> serve_page(const Request& request) {
  const std::string_view path = request.path;
  if (path.starts_with("/api/")) {
    return Error{Errc::not_found, "there is no " + request.path +
                                      "; schema/openapi.yaml lists what there is under /api/v1"};
  }
  const web::Asset* asset = find_asset(path);
  const bool hashed = path.starts_with("/assets/");
  if (!asset && hashed) {
    return Error{Errc::not_found, "there is no " + request.path + "; load the page again"};
  }
  if (!asset) asset = find_asset("/index.html");
  PIROUETTE_CHECK(asset != nullptr);

  Answer answer;
  answer.headers = {{"ETag", std::string(asset->etag)},
                    {"Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache"}};
  if (request.header("if-none-match") == asset->etag) {
    answer.status = 304;
    answer.type.clear();
    return answer;
  }
  answer.type = asset->type;
  answer.body.assign(asset->bytes.begin(), asset->bytes.end());
  return answer;
}

}  // namespace pirouette::http
