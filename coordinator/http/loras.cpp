// /api/v1/loras: LoRA files that are registered under a name and travel to the workers. The bytes
// go to the disk as they come, for they may be gigabytes; what no worker could read is refused
// here. Twice is as once; other bytes need to be told to replace.

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "common/job/lora_head.h"
#include "coordinator/core/event.h"
#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

// As in recipes.
Result<std::string> parse_name(const Request& request) {
  const std::string& name = request.parameters[0];
  const auto may_stand = [](unsigned char c) {
    return (c < 128 && std::isalnum(c) != 0) || c == '_' || c == '-' || c == '.';
  };
  if (!name.empty() && name.size() <= kNameMaxBytes && std::ranges::all_of(name, may_stand)) {
    return name;
  }
  return Error{Errc::invalid, "\"" + name + "\" cannot be a LoRA's name; it has 1 to " +
                                  std::to_string(kNameMaxBytes) +
                                  " letters, digits, '_', '-' and '.'"};
}

// "" where it is not there.
Result<std::string> query_text(const Request& request, const std::string& name) {
  const auto given = request.query.find(name);
  if (given == request.query.end()) return std::string();
  const std::string& text = given->second;
  const bool plain = std::ranges::none_of(text, [](unsigned char c) { return c < 32 || c == 127; });
  if (plain && text.size() <= kNameMaxBytes) return text;
  return Error{Errc::invalid, "in the query, " + name + " may have " +
                                  std::to_string(kNameMaxBytes) +
                                  " bytes and no control characters"};
}

Result<core::LoraOffered> read_offer(const Request& request) {
  core::LoraOffered offer;
  offer.name = TRY(parse_name(request));
  offer.by = TRY(query_text(request, "by"));
  if (request.query.contains("trigger")) offer.trigger = TRY(query_text(request, "trigger"));
  const std::string replace = TRY(query_text(request, "replace"));
  if (!replace.empty() && replace != "true" && replace != "false") {
    return Error{Errc::invalid, "in the query, replace=" + replace + " is neither true nor false"};
  }
  offer.replace = replace == "true";
  const auto digest = parse_digest(TRY(query_text(request, "sha256")));
  if (!digest.ok()) {
    return Error{
        Errc::invalid,
        "in the query, sha256 must be the SHA-256 of the file in 64 lower-case hex digits"};
  }
  offer.sha256 = digest.value();
  const auto bytes = parse_number(request.header("content-length"));
  if (!bytes) {
    return Error{Errc::invalid, "a LoRA is sent with its size (Content-Length), not in chunks"};
  }
  offer.bytes = *bytes;
  return offer;
}

// From its first byte, whatever an earlier sender left.
Result<Blobs::Incoming> begin(Blobs blobs, const core::LoraOffered& offer) {
  auto file = TRY(blobs.receive(offer.sha256, offer.bytes, kLoraMaxBytes));
  if (file.received() == 0) return file;
  file.discard();
  return blobs.receive(offer.sha256, offer.bytes, kLoraMaxBytes);
}

Result<void> receive(Site& site, const Request& request, const core::LoraOffered& offer) {
  auto file = TRY(begin(site.config.blobs, offer));
  LoraHead head;
  auto whole =
      request.stream_body(site.config.lora_max_bytes, [&](std::span<const std::uint8_t> piece) {
        head.add(piece);
        return file.append(piece);
      });
  if (whole.ok()) whole = head.check();
  if (!whole.ok()) {
    file.discard();
    return whole;
  }
  const auto finished = file.finish();
  if (finished.ok() || finished.error().code != Errc::corrupt) return finished;
  return Error{Errc::invalid, "the " + std::to_string(offer.bytes) +
                                  " bytes that came are not the file whose SHA-256 was named; send "
                                  "it again"};
}

Result<Answer> put(Site& site, const Request& request) {
  core::LoraOffered offer = TRY(read_offer(request));
  TRY(receive(site, request, offer));
  auto answered = site.ask(std::move(offer));
  if (auto* error = std::get_if<Error>(&answered)) return std::move(*error);
  const auto& registered = std::get<core::Registered>(answered);
  Answer answer = answer_json(lora_json(registered.lora), registered.again ? 200 : 201);
  answer.headers.emplace_back("Location", "/api/v1/loras/" + registered.lora.name);
  return answer;
}

Result<Answer> retire(Site& site, const Request& request) {
  const std::string name = TRY(parse_name(request));
  auto answered = site.ask(core::LoraRetired{{}, TRY(query_text(request, "by")), name});
  if (auto* error = std::get_if<Error>(&answered)) return std::move(*error);
  return answer_json({{"name", name}});
}

Result<Answer> list(const Site& site, const Request& request) {
  const Paging paging = TRY(parse_paging(request));
  const auto rows = TRY(site.read().loras(LoraId{paging.after}, paging.limit));
  Json lines = Json::array();
  for (const core::Lora& row : rows) lines.push_back(lora_json(row));
  std::optional<std::uint64_t> next;
  if (rows.size() == paging.limit) next = rows.back().id.value;
  return answer_list(std::move(lines), next);
}

Result<Answer> show(const Site& site, const Request& request) {
  return answer_json(lora_json(TRY(site.read().lora(TRY(parse_name(request))))));
}

}  // namespace

void add_loras(Router& router, Site& site) {
  router.add("GET", "/api/v1/loras",
             with_query({"limit", "after"}, [&](const Request& r) { return list(site, r); }));
  router.add("GET", "/api/v1/loras/{name}",
             with_query({}, [&](const Request& r) { return show(site, r); }));
  router.add("PUT", "/api/v1/loras/{name}",
             with_query({"sha256", "trigger", "replace", "by"},
                        [&](const Request& r) { return put(site, r); }));
  router.add("DELETE", "/api/v1/loras/{name}",
             with_query({"by"}, [&](const Request& r) { return retire(site, r); }));
}

}  // namespace pirouette::http
