// /api/v1/references: the pictures that users send. What is kept is the PNG that workers read, and
// its digest is what a batch names; so workers decode one format only, whatever cameras wrote.

#include <nlohmann/json.hpp>

#include "common/hash.h"
#include "coordinator/http/json.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

Result<Answer> take_in(Site& site, const Request& request) {
  const std::string body = TRY(request.read_body(kReferenceMaxBytes));
  const UploadPlace place = TRY(UploadPlace::take(site.uploads));
  const auto reference = site.config.as_reference(
      std::span(reinterpret_cast<const std::uint8_t*>(body.data()), body.size()));
  if (!reference.ok()) {
    return Error{Errc::invalid, "this cannot be used as a reference (" + reference.error().what +
                                    "); send a PNG, JPEG or WebP"};
  }
  const auto& [png, width, height] = reference.value();
  const Digest digest = TRY(site.config.blobs.put(png));
  return answer_json(
      {{"digest", to_hex(digest)}, {"bytes", png.size()}, {"width", width}, {"height", height}},
      201);
}

}  // namespace

void add_references(Router& router, Site& site) {
  router.add("POST", "/api/v1/references", [&](const Request& r) { return take_in(site, r); });
}

}  // namespace pirouette::http
