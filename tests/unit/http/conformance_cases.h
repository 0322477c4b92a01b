#pragma once
// What the conformance test asks: for each route and status one row, in one place. A new route of
// schema/openapi.yaml needs a row for each status of its own; what every route has (400 for an
// unknown parameter, 403, 404 for an unknown id, 405, 500 without a database, 503 and 504 when the
// loop does not answer) is asked of it by the test itself, the last two with the route's first row.

#include <functional>
#include <string>
#include <vector>

#include "common/job/recipe.h"
#include "common/picture_head.h"
#include "tests/unit/http/conformance_farm.h"

namespace pirouette::http {

struct Ask {
  std::string path;
  httplib::Headers headers = {};
  std::string body = {};
  std::string type = "application/json";  // of the body
};

using MakeAsk = std::function<Ask(ConformanceFarm&)>;

struct Case {
  std::string method, route;  // as the document writes them
  int status;
  MakeAsk make;                                      // brings the farm there, and says what to send
  std::function<void(ConformanceFarm&)> after = {};  // given: the farm is its own
};

inline MakeAsk at(const std::string& path, const httplib::Headers& headers = {}) {
  return [=](ConformanceFarm&) { return Ask{path, headers}; };
}
inline MakeAsk at_blob(const std::string& rest, const httplib::Headers& headers = {}) {
  return [=](ConformanceFarm& farm) {
    return Ask{"/api/v1/blobs/" + farm.knight() + rest, headers};
  };
}
inline MakeAsk send(const std::string& path, const std::string& body,
                    const std::string& type = "application/json") {
  return [=](ConformanceFarm&) { return Ask{path, {}, body, type}; };
}

// More than a body may have.
inline MakeAsk send_too_much(const std::string& path, std::size_t bytes) {
  return [=](ConformanceFarm&) { return Ask{path, {}, std::string(bytes, ' ')}; };
}

// The name is of one content's digest, the body another's or the same.
inline MakeAsk put_reference(const std::string& named, const std::string& sent) {
  return send("/api/v1/references/" + to_hex(sha256(picture(named))), picture(sent), "image/png");
}

inline MakeAsk put_lora_as(const std::string& name, const std::string& named,
                           const std::string& sent, const std::string& more = "") {
  return send("/api/v1/loras/" + name + "?sha256=" + to_hex(sha256(named)) + more, sent,
              "application/octet-stream");
}
inline MakeAsk put_lora(const std::string& name, const std::string& file,
                        const std::string& more = "") {
  return put_lora_as(name, file, file, more);
}

inline const std::string kWrongField = R"({"colour": "red"})";
inline const httplib::Headers kAsList{{"Accept", "application/json"}};
inline const httplib::Headers kAsStream{{"Accept", "text/event-stream"}};

// On one furnished farm, in this order.
inline const std::vector<Case> kCases{
    {"POST", "/api/v1/batches", 201,
     [](ConformanceFarm& farm) {
       return Ask{"/api/v1/batches", {}, farm.a_batch().dump()};
     }},
    {"POST", "/api/v1/batches", 400, send("/api/v1/batches", R"({"name": 7)")},
    {"POST", "/api/v1/batches", 413, send_too_much("/api/v1/batches", kBatchMaxBytes + 1)},
    {"POST", "/api/v1/batches", 415, send("/api/v1/batches", "{}", "text/plain")},
    {"POST", "/api/v1/batches", 422,
     send("/api/v1/batches", R"({"name": "n", "sheets": [{"character": "a", "reference": ")" +
                                 std::string(64, 'a') + R"("}]})")},
    {"GET", "/api/v1/batches", 200, at("/api/v1/batches")},
    {"GET", "/api/v1/batches", 200, at("/api/v1/batches?limit=1&after=3")},
    {"GET", "/api/v1/batches", 400, at("/api/v1/batches?limit=0")},
    {"GET", "/api/v1/batches/{id}", 200, at("/api/v1/batches/1")},
    {"GET", "/api/v1/batches/{id}/sheets", 200, at("/api/v1/batches/1/sheets?limit=1")},
    {"GET", "/api/v1/batches/{id}/delivery", 200, at("/api/v1/batches/1/delivery")},
    {"GET", "/api/v1/batches/{id}/verification", 200, at("/api/v1/batches/1/verification")},
    {"GET", "/api/v1/batches/{id}/explain", 200, at("/api/v1/batches/1/explain")},
    {"GET", "/api/v1/batches/{id}/explain", 200, at("/api/v1/batches/2/explain")},
    {"POST", "/api/v1/batches/{id}/cancel", 202,
     [](ConformanceFarm& farm) {
       const std::string id = std::to_string(farm.submit_one("ghost"));
       return Ask{"/api/v1/batches/" + id + "/cancel"};
     }},
    {"POST", "/api/v1/batches/{id}/cancel", 409, at("/api/v1/batches/2/cancel")},
    {"GET", "/api/v1/sheets", 200, at("/api/v1/sheets")},
    {"GET", "/api/v1/sheets", 200, at("/api/v1/sheets?state=ready&batch=1&character=knight")},
    {"GET", "/api/v1/sheets", 400, at("/api/v1/sheets?state=lost")},
    {"GET", "/api/v1/sheets/{id}", 200, at("/api/v1/sheets/1")},
    {"GET", "/api/v1/sheets/{id}/poses", 200, at("/api/v1/sheets/2/poses")},
    {"GET", "/api/v1/sheets/{id}/explain", 200, at("/api/v1/sheets/1/explain")},
    {"GET", "/api/v1/sheets/{id}/explain", 200, at("/api/v1/sheets/2/explain")},
    {"GET", "/api/v1/sheets/{id}/explain", 200, at("/api/v1/sheets/3/explain")},
    {"GET", "/api/v1/poses/{id}", 200, at("/api/v1/poses/3")},
    {"GET", "/api/v1/poses/{id}/takes", 200, at("/api/v1/poses/1/takes")},
    {"GET", "/api/v1/pose-sets", 200, at("/api/v1/pose-sets")},
    {"GET", "/api/v1/jobs", 200, at("/api/v1/jobs")},
    {"GET", "/api/v1/jobs", 200, at("/api/v1/jobs?state=leased")},
    {"GET", "/api/v1/jobs", 200, at("/api/v1/jobs?state=queued&batch=3")},
    {"GET", "/api/v1/jobs", 200, at("/api/v1/jobs?state=done&worker=1&sheet=1")},
    {"GET", "/api/v1/jobs", 400, at("/api/v1/jobs?after=999")},
    {"GET", "/api/v1/jobs/{id}", 200, at("/api/v1/jobs/1")},
    {"GET", "/api/v1/jobs/{id}", 200, at("/api/v1/jobs/3")},
    {"GET", "/api/v1/jobs/{id}", 200, at("/api/v1/jobs/4")},
    {"GET", "/api/v1/jobs/{id}/explain", 200, at("/api/v1/jobs/1/explain")},
    {"GET", "/api/v1/jobs/{id}/explain", 200, at("/api/v1/jobs/3/explain")},
    {"GET", "/api/v1/jobs/{id}/explain", 200, at("/api/v1/jobs/4/explain")},
    {"GET", "/api/v1/jobs/{id}/explain", 200, at("/api/v1/jobs/5/explain")},
    {"GET", "/api/v1/jobs/{id}/explain", 200, at("/api/v1/jobs/8/explain")},
    {"GET", "/api/v1/workers", 200, at("/api/v1/workers")},
    {"GET", "/api/v1/workers/{id}", 200, at("/api/v1/workers/1")},
    {"GET", "/api/v1/workers/{id}/explain", 200, at("/api/v1/workers/1/explain")},
    {"GET", "/api/v1/workers/{id}/explain", 200, at("/api/v1/workers/2/explain")},
    {"POST", "/api/v1/workers/{id}/drain", 202, at("/api/v1/workers/1/drain")},
    {"POST", "/api/v1/workers/{id}/drain", 409, at("/api/v1/workers/2/drain")},
    {"PUT", "/api/v1/loras/{name}", 201,
     put_lora("ink", lora_file("a"), "&trigger=inked&by=ada&replace=false")},
    {"PUT", "/api/v1/loras/{name}", 200, put_lora("ink", lora_file("a"))},
    {"PUT", "/api/v1/loras/{name}", 409, put_lora("ink", lora_file("b"))},
    {"PUT", "/api/v1/loras/{name}", 201, put_lora("ink", lora_file("b"), "&replace=true")},
    {"PUT", "/api/v1/loras/{name}", 400, put_lora("ink", "no safetensors file at all")},
    {"PUT", "/api/v1/loras/{name}", 400, put_lora_as("ink", lora_file("c"), lora_file("d"))},
    {"PUT", "/api/v1/loras/{name}", 400, put_lora("ink", lora_file("a"), "&replace=yes")},
    {"PUT", "/api/v1/loras/{name}", 413,
     put_lora("ink", std::string(ConformanceFarm::kLoraMaxBytesHere + 1, ' '))},
    {"GET", "/api/v1/loras", 200, at("/api/v1/loras")},
    {"GET", "/api/v1/loras", 200, at("/api/v1/loras?limit=1&after=1")},
    {"GET", "/api/v1/loras/{name}", 200, at("/api/v1/loras/ink")},
    {"GET", "/api/v1/loras/{name}", 400, at("/api/v1/loras/no%20name")},
    {"GET", "/api/v1/models", 200, at("/api/v1/models")},
    {"DELETE", "/api/v1/loras/{name}", 200,
     [](ConformanceFarm& farm) {
       farm.connection()->Put("/api/v1/loras/gone?sha256=" + to_hex(sha256(lora_file("gone"))),
                              lora_file("gone"), "application/octet-stream");
       return Ask{"/api/v1/loras/gone?by=ada"};
     }},
    {"DELETE", "/api/v1/loras/{name}", 400, at("/api/v1/loras/ink?colour=red")},
    {"POST", "/api/v1/references", 201, send("/api/v1/references", picture("new"), "image/png")},
    {"POST", "/api/v1/references", 400, send("/api/v1/references", "no picture", "image/png")},
    {"POST", "/api/v1/references", 413,
     send_too_much("/api/v1/references", kReferenceMaxBytes + 1)},
    {"POST", "/api/v1/references", 200, send("/api/v1/references", picture("new"), "image/png")},
    {"PUT", "/api/v1/references/{sha256}", 201, put_reference("newer", "newer")},
    {"PUT", "/api/v1/references/{sha256}", 200, put_reference("newer", "newer")},
    {"PUT", "/api/v1/references/{sha256}", 400, put_reference("newer", "another one")},
    {"PUT", "/api/v1/references/{sha256}", 413,
     send_too_much("/api/v1/references/" + std::string(64, 'a'), kReferenceMaxBytes + 1)},
    {"GET", "/api/v1/references/{sha256}", 200,
     at("/api/v1/references/" + to_hex(sha256(picture("newer"))))},
    {"GET", "/api/v1/references/{sha256}", 400, at("/api/v1/references/abc")},
    {"GET", "/api/v1/blobs/{sha256}", 200, at_blob("")},
    {"GET", "/api/v1/blobs/{sha256}", 206, at_blob("", {{"Range", "bytes=0-3"}})},
    {"GET", "/api/v1/blobs/{sha256}", 304, at_blob("", {{"If-None-Match", "*"}})},
    {"GET", "/api/v1/blobs/{sha256}", 400, at("/api/v1/blobs/abc")},
    {"GET", "/api/v1/blobs/{sha256}", 416, at_blob("", {{"Range", "bytes=900-"}})},
    {"GET", "/api/v1/blobs/{sha256}/thumbnail", 200, at_blob("/thumbnail?height=64")},
    {"GET", "/api/v1/blobs/{sha256}/thumbnail", 304,
     at_blob("/thumbnail", {{"If-None-Match", "*"}})},
    {"GET", "/api/v1/blobs/{sha256}/thumbnail", 400, at_blob("/thumbnail?height=5")},
    {"GET", "/api/v1/events", 200, at("/api/v1/events", kAsList)},
    {"GET", "/api/v1/events", 200, at("/api/v1/events?batch=1&limit=3&after=1", kAsList)},
    {"GET", "/api/v1/events", 200, at("/api/v1/events", kAsStream)},
    {"GET", "/api/v1/events", 400, at("/api/v1/events?after=x", kAsStream)},
    {"GET", "/api/v1/events", 406, at("/api/v1/events", {{"Accept", "image/png"}})},
    {"GET", "/api/v1/health", 200, at("/api/v1/health")},
    {"GET", "/metrics", 200, at("/metrics")},

    // What people change. Batch 1 runs, batch 2 is cancelled; pose 3 has no picture yet, pose 4
    // failed.
    {"POST", "/api/v1/batches", 200,
     [](ConformanceFarm& farm) {
       const Ask ask{"/api/v1/batches", {{"Idempotency-Key", "k1"}}, farm.a_batch().dump()};
       farm.connection()->Post(ask.path, ask.headers, ask.body, ask.type);
       return ask;
     }},
    {"POST", "/api/v1/batches", 409,
     [](ConformanceFarm& farm) {
       json other = farm.a_batch();
       other["name"] = "day";
       return Ask{"/api/v1/batches", {{"Idempotency-Key", "k1"}}, other.dump()};
     }},
    {"POST", "/api/v1/batches/{id}/cancel", 400, send("/api/v1/batches/1/cancel", kWrongField)},
    {"POST", "/api/v1/batches/{id}/pause", 200,
     send("/api/v1/batches/1/pause", R"({"by": "ada"})")},
    {"POST", "/api/v1/batches/{id}/pause", 400, send("/api/v1/batches/1/pause", kWrongField)},
    {"POST", "/api/v1/batches/{id}/pause", 409, at("/api/v1/batches/2/pause")},
    {"POST", "/api/v1/batches/{id}/resume", 200, at("/api/v1/batches/1/resume")},
    {"POST", "/api/v1/batches/{id}/resume", 400, send("/api/v1/batches/1/resume", "{")},
    {"POST", "/api/v1/batches/{id}/resume", 409, at("/api/v1/batches/2/resume")},
    {"POST", "/api/v1/batches/{id}/priority", 200,
     send("/api/v1/batches/1/priority", R"({"priority": 90})")},
    {"POST", "/api/v1/batches/{id}/priority", 400,
     send("/api/v1/batches/1/priority", R"({"priority": 101})")},
    {"POST", "/api/v1/batches/{id}/priority", 409,
     send("/api/v1/batches/2/priority", R"({"priority": 90})")},
    {"POST", "/api/v1/sheets/{id}/cancel", 202,
     [](ConformanceFarm& farm) {
       const std::string id = std::to_string(farm.first_sheet_of(farm.submit_one("shade")));
       return Ask{"/api/v1/sheets/" + id + "/cancel"};
     }},
    {"POST", "/api/v1/sheets/{id}/cancel", 400, send("/api/v1/sheets/1/cancel", kWrongField)},
    {"POST", "/api/v1/sheets/{id}/cancel", 409, at("/api/v1/sheets/1/cancel")},
    {"POST", "/api/v1/sheets/{id}/approve", 200, at("/api/v1/sheets/1/approve")},
    {"POST", "/api/v1/sheets/{id}/approve", 400, send("/api/v1/sheets/1/approve", kWrongField)},
    {"POST", "/api/v1/sheets/{id}/approve", 409, at("/api/v1/sheets/2/approve")},
    {"POST", "/api/v1/sheets/{id}/reject", 200,
     send("/api/v1/sheets/1/reject", R"({"note": "all hats are wrong"})")},
    {"POST", "/api/v1/sheets/{id}/reject", 400, send("/api/v1/sheets/1/reject", R"({"note": 7})")},
    {"POST", "/api/v1/sheets/{id}/reject", 409, at("/api/v1/sheets/3/reject")},
    {"POST", "/api/v1/poses/{id}/approve", 200, at("/api/v1/poses/1/approve")},
    {"POST", "/api/v1/poses/{id}/approve", 400, send("/api/v1/poses/1/approve", kWrongField)},
    {"POST", "/api/v1/poses/{id}/approve", 409, at("/api/v1/poses/3/approve")},
    {"POST", "/api/v1/poses/{id}/reject", 200, at("/api/v1/poses/1/reject")},
    {"POST", "/api/v1/poses/{id}/reject", 400, send("/api/v1/poses/1/reject", kWrongField)},
    {"POST", "/api/v1/poses/{id}/reject", 409, at("/api/v1/poses/4/reject")},
    {"POST", "/api/v1/poses/{id}/unreview", 200, at("/api/v1/poses/1/unreview")},
    {"POST", "/api/v1/poses/{id}/unreview", 400, send("/api/v1/poses/1/unreview", kWrongField)},
    {"POST", "/api/v1/poses/{id}/unreview", 409, at("/api/v1/poses/3/unreview")},
    {"POST", "/api/v1/poses/{id}/choose", 200, send("/api/v1/poses/1/choose", R"({"take": 1})")},
    {"POST", "/api/v1/poses/{id}/choose", 400, send("/api/v1/poses/1/choose", "{}")},
    {"POST", "/api/v1/poses/{id}/choose", 404, send("/api/v1/poses/1/choose", R"({"take": 9})")},
    {"POST", "/api/v1/poses/{id}/choose", 409, send("/api/v1/poses/4/choose", R"({"take": 1})")},
    {"POST", "/api/v1/poses/{id}/reroll", 202,
     send("/api/v1/poses/1/reroll", R"({"seed": 7, "note": "a longer cape"})")},
    {"POST", "/api/v1/poses/{id}/reroll", 400, send("/api/v1/poses/1/reroll", R"({"seed": -1})")},
    {"POST", "/api/v1/poses/{id}/reroll", 409, at("/api/v1/poses/5/reroll")},
    {"GET", "/api/v1/sheets/{id}", 200, at("/api/v1/sheets/1")},
    {"GET", "/api/v1/poses/{id}/takes", 200, at("/api/v1/poses/1/takes")},
};

// What a route cannot do without, where it is asked about something that is not there.
inline std::string needed_body(const std::string& route) {
  if (route.ends_with("/priority")) return R"({"priority": 1})";
  if (route.ends_with("/choose")) return R"({"take": 1})";
  return "";
}

// Each on a furnished farm of its own.
inline std::vector<Case> cases_of_trouble() {
  const auto nothing = [](ConformanceFarm&) {};
  const auto lost_blobs = [](const std::string& rest) -> MakeAsk {
    return [=](ConformanceFarm& farm) {
      farm.lose_blob_folder(farm.knight());
      return Ask{"/api/v1/blobs/" + farm.knight() + rest};
    };
  };
  return {
      {"GET", "/api/v1/blobs/{sha256}", 500, lost_blobs(""), nothing},
      {"GET", "/api/v1/blobs/{sha256}/thumbnail", 500, lost_blobs("/thumbnail"), nothing},
      {"POST", "/api/v1/references", 500,
       [](ConformanceFarm& farm) {
         const std::string bytes = picture("lost");
         farm.lose_blob_folder(to_hex(sha256(bytes)));
         return Ask{"/api/v1/references", {}, bytes, "image/png"};
       },
       nothing},
      {"POST", "/api/v1/references", 503,
       [](ConformanceFarm& farm) {
         farm.take_every_upload();
         return Ask{"/api/v1/references", {}, picture("one more"), "image/png"};
       },
       [](ConformanceFarm& farm) { farm.free_uploads(); }},
      {"PUT", "/api/v1/references/{sha256}", 500,
       [](ConformanceFarm& farm) {
         const std::string bytes = picture("lost");
         farm.lose_blob_folder(to_hex(sha256(bytes)));
         return Ask{"/api/v1/references/" + to_hex(sha256(bytes)), {}, bytes, "image/png"};
       },
       nothing},
      {"PUT", "/api/v1/references/{sha256}", 503,
       [](ConformanceFarm& farm) {
         farm.take_every_upload();
         return put_reference("one more", "one more")(farm);
       },
       [](ConformanceFarm& farm) { farm.free_uploads(); }},
      {"PUT", "/api/v1/loras/{name}", 500,
       [](ConformanceFarm& farm) {
         farm.lose_blob_folder(to_hex(sha256(lora_file("lost"))));
         return put_lora("lost", lora_file("lost"))(farm);
       },
       nothing},
      {"GET", "/api/v1/batches/{id}/verification", 503,
       [](ConformanceFarm& farm) {
         farm.take_every_verification();
         return Ask{"/api/v1/batches/1/verification"};
       },
       [](ConformanceFarm& farm) { farm.free_verifications(); }},
      {"GET", "/api/v1/events", 503,
       [](ConformanceFarm& farm) {
         farm.take_every_stream();
         return Ask{"/api/v1/events", kAsStream};
       },
       nothing},
  };
}

}  // namespace pirouette::http
