// /api/v1/blobs: pictures go out, big or small. A blob never changes, so whoever has it once may
// keep it for ever.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/hash.h"
#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/ranges.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

constexpr std::string_view kForEver = "public, max-age=31536000, immutable";

// If-None-Match: a list of tags, weak or not, or "*". Nothing else that we serve compares, so a tag
// is found as text: it is in quotes and holds none.
bool has_already(const Request& request, const std::string& etag) {
  const std::string_view tags = request.header("if-none-match");
  return tags == "*" || tags.find(etag) != std::string_view::npos;
}

// By the first bytes, never by what somebody called it.
std::string_view sniff_type(const std::vector<std::uint8_t>& head) {
  const std::string_view bytes(reinterpret_cast<const char*>(head.data()), head.size());
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return "image/png";
  if (bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return "image/webp";
  return "application/octet-stream";
}

Result<Digest> parse_blob_name(const Request& request) {
  auto digest = parse_digest(request.parameters[0]);
  if (!digest.ok()) {
    return Error{Errc::invalid, "\"" + request.parameters[0] +
                                    "\" names no blob; a blob's name is its SHA-256 in 64 "
                                    "lower-case hex digits"};
  }
  return digest;
}

Error no_such_blob(const Digest& digest) {
  return {Errc::not_found, "there is no blob " + to_hex(digest)};
}

Result<Answer> get(const Site& site, const Request& request) {
  const Digest digest = TRY(parse_blob_name(request));
  const Blobs& blobs = site.config.blobs;
  const auto found = blobs.find_size(digest);
  if (!found.ok() && found.error().code == Errc::not_found) return no_such_blob(digest);
  const std::uint64_t size = TRY(found);

  Answer answer;
  const std::string etag = "\"" + to_hex(digest) + "\"";
  answer.headers = {
      {"ETag", etag}, {"Cache-Control", std::string(kForEver)}, {"Accept-Ranges", "bytes"}};
  if (has_already(request, etag)) {
    answer.status = 304;
    answer.type.clear();
    return answer;
  }
  // If-Range with another tag: a part of what it has would not fit.
  const std::string_view of = request.header("if-range");
  const bool whole = !of.empty() && of != etag;
  const RangeWish wish = whole ? RangeWish{} : parse_range(request.header("range"), size);
  if (!wish.satisfiable) {
    Answer refused = problem(416, "the blob has " + std::to_string(size) + " bytes");
    refused.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
    return refused;
  }
  const ByteRange range = wish.range.value_or(ByteRange{0, size});
  if (wish.range) {
    answer.status = 206;
    answer.headers.emplace_back("Content-Range",
                                "bytes " + std::to_string(range.offset) + "-" +
                                    std::to_string(range.offset + range.length - 1) + "/" +
                                    std::to_string(size));
  }
  answer.type = sniff_type(TRY(blobs.read_range(digest, 0, 16)));
  answer.read_bytes = range.length;
  answer.read = [&blobs, digest, start = range.offset](std::uint64_t offset, std::size_t length) {
    return blobs.read_range(digest, start + offset, length);
  };
  return answer;
}

Result<Answer> thumbnail(Site& site, const Request& request) {
  const Digest digest = TRY(parse_blob_name(request));
  const auto height = TRY(parse_query_number(request, "height"))
                          .value_or(static_cast<std::uint64_t>(kThumbnailDefaultPx));
  if (height < kThumbnailMinPx || height > kThumbnailMaxPx) {
    return Error{Errc::invalid, "height=" + std::to_string(height) + " is not between " +
                                    std::to_string(kThumbnailMinPx) + " and " +
                                    std::to_string(kThumbnailMaxPx)};
  }
  const auto found = site.config.blobs.find_size(digest);
  if (!found.ok() && found.error().code == Errc::not_found) return no_such_blob(digest);
  TRY(found);
  Answer answer;
  const std::string etag = "\"" + to_hex(digest) + "-" + std::to_string(height) + "\"";
  answer.headers = {{"ETag", etag}, {"Cache-Control", std::string(kForEver)}};
  if (has_already(request, etag)) {
    answer.status = 304;
    answer.type.clear();
    return answer;
  }
  const auto bytes =
      TRY(site.thumbnails.get(digest, site.config.blobs.path(digest), static_cast<int>(height)));
  answer.type = sniff_type(bytes);
  answer.body.assign(bytes.begin(), bytes.end());
  return answer;
}

}  // namespace

void add_blobs(Router& router, Site& site) {
  router.add("GET", "/api/v1/blobs/{sha256}",
             with_query({}, [&](const Request& r) { return get(site, r); }));
  router.add("GET", "/api/v1/blobs/{sha256}/thumbnail",
             with_query({"height"}, [&](const Request& r) { return thumbnail(site, r); }));
}

}  // namespace pirouette::http
