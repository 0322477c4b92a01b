// /api/v1/references: the pictures that users send, by the SHA-256 of what they send. What workers
// get is the PNG that it becomes; so workers decode one format only, whatever cameras wrote. What
// was sent is kept beside it. Twice is as once.

#include <nlohmann/json.hpp>

#include "common/hash.h"
#include "common/picture_head.h"
#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

std::span<const std::uint8_t> bytes_of(const std::string& body) {
  return {reinterpret_cast<const std::uint8_t*>(body.data()), body.size()};
}

Answer answer_record(const ReferenceRecord& record, int status) {
  Answer answer;
  answer.status = status;
  answer.body = to_json(record);
  answer.headers.emplace_back("Location", "/api/v1/references/" + to_hex(record.original));
  return answer;
}

// Whole: its pictures are there too.
std::optional<ReferenceRecord> find_whole(const Site& site, const Digest& original) {
  const auto record = site.references.find(original);
  const Blobs& blobs = site.config.blobs;
  if (!record || !blobs.contains(original) || !blobs.contains(record->digest)) return std::nullopt;
  return record;
}

// The pictures first: a record says that they are there.
Result<ReferenceRecord> make_record(Site& site, const Digest& original, const std::string& body) {
  auto made = site.config.as_reference(bytes_of(body));
  if (!made.ok()) {
    if (made.error().code == Errc::io) return std::move(made).error();
    return Error{Errc::invalid, "this cannot be used as a reference: " + made.error().what};
  }
  Reference reference = std::move(made).value();
  ReferenceRecord record;
  record.original = original;
  TRY(site.config.blobs.put(bytes_of(body)));
  record.digest = TRY(site.config.blobs.put(reference.png));
  record.width = reference.width;
  record.height = reference.height;
  record.crop = reference.crop;
  record.warnings = std::move(reference.warnings);
  TRY(site.references.keep(record));
  return record;
}

// expected: none where the sender did not say.
Result<Answer> take_in(Site& site, const Request& request, std::optional<Digest> expected) {
  const std::string body = TRY(request.read_body(kReferenceMaxBytes));
  const UploadPlace place = TRY(UploadPlace::take(site.uploads));
  const Digest original = sha256(body);
  if (expected && *expected != original) {
    return Error{Errc::invalid, "the " + std::to_string(body.size()) +
                                    " bytes that came are not the picture that was named: their "
                                    "SHA-256 is " +
                                    to_hex(original) + "; send it again"};
  }
  if (const auto known = find_whole(site, original)) return answer_record(*known, 200);
  return answer_record(TRY(make_record(site, original, body)), 201);
}

Result<Digest> parse_name(const Request& request) {
  auto digest = parse_digest(request.parameters[0]);
  if (digest.ok()) return digest;
  return Error{Errc::invalid, "\"" + request.parameters[0] +
                                  "\" names no reference; its name is the SHA-256 of the file in "
                                  "64 lower-case hex digits"};
}

Result<Answer> put(Site& site, const Request& request) {
  return take_in(site, request, TRY(parse_name(request)));
}

Result<Answer> show(const Site& site, const Request& request) {
  const Digest original = TRY(parse_name(request));
  if (const auto known = find_whole(site, original)) return answer_record(*known, 200);
  return Error{Errc::not_found, "there is no reference " + to_hex(original) +
                                    " here; PUT the picture to this address"};
}

}  // namespace

void add_references(Router& router, Site& site) {
  router.add("POST", "/api/v1/references",
             [&](const Request& r) { return take_in(site, r, std::nullopt); });
  router.add("GET", "/api/v1/references/{sha256}",
             with_query({}, [&](const Request& r) { return show(site, r); }));
  router.add("PUT", "/api/v1/references/{sha256}", [&](const Request& r) { return put(site, r); });
}

}  // namespace pirouette::http
