// /api/v1/batches: submit, look, take home. What is changed about them is in changes.cpp.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/hash.h"
#include "common/job/triggers.h"
#include "coordinator/delivery/delivery.h"
#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/site.h"
#include "coordinator/store/read_model.h"

namespace pirouette::http {
namespace {

// Of the references that are not there, how many a message names.
constexpr std::size_t kMissingNamedMax = 10;

// Longer than any UUID or hash.
constexpr std::size_t kKeyMaxBytes = 128;

std::string name_missing(const std::vector<const SheetSpec*>& missing) {
  std::string text = std::to_string(missing.size()) +
                     (missing.size() == 1 ? " reference is" : " references are") + " not here: ";
  const std::size_t named = std::min(missing.size(), kMissingNamedMax);
  for (std::size_t i = 0; i < named; ++i) {
    if (i > 0) text += ", ";
    text += missing[i]->character + " (" + to_hex(missing[i]->reference) + ")";
  }
  if (named < missing.size()) text += " and others";
  return text + "; send each to PUT /api/v1/references/{sha256} first";
}

// The word under which a batch that is sent again is known again; "" where the sender has none.
Result<std::string> read_key(const Request& request) {
  const std::string_view key = request.header("idempotency-key");
  const bool printable =
      std::all_of(key.begin(), key.end(), [](char c) { return c > 32 && c < 127; });
  if (!printable || key.size() > kKeyMaxBytes) {
    return Error{Errc::invalid, "Idempotency-Key must be 1 to " + std::to_string(kKeyMaxBytes) +
                                    " printable characters without spaces; a random number in "
                                    "hexadecimal digits does well"};
  }
  return std::string(key);
}

Result<core::BatchSubmitted> read_submission(Site& site, const Request& request) {
  core::BatchSubmitted submitted;
  submitted.key = TRY(read_key(request));
  const std::string body = TRY(request.read_body(kBatchMaxBytes));
  const UploadPlace place = TRY(UploadPlace::take(site.uploads));
  if (!submitted.key.empty()) submitted.digest = sha256(body);
  submitted.batch = TRY(parse_batch(body));
  return submitted;
}

// What may make worse sheets, a sentence each.
Result<std::vector<std::string>> find_warnings(const Site& site, const Recipe& recipe) {
  RegisteredTriggers triggers;
  for (const RecipeLora& lora : recipe.loras) {
    auto row = site.read().lora(lora.name);
    if (row.ok()) {
      triggers[lora.name] = std::move(row).value().trigger;
    } else if (row.error().code != Errc::not_found) {
      return std::move(row).error();
    }
  }
  return find_missing_triggers(recipe, triggers);
}

Result<Answer> submit(Site& site, const Request& request) {
  const std::string_view type = request.header("content-type");
  if (!type.starts_with("application/json")) {
    return problem(415,
                   "a batch is sent as application/json, not as \"" + std::string(type) + "\"");
  }
  core::BatchSubmitted submission = TRY(read_submission(site, request));
  std::vector<const SheetSpec*> missing;
  for (const SheetSpec& sheet : submission.batch.sheets) {
    KnownBlobs& known = site.known_blobs;
    const bool original = !sheet.original || known.contains(sheet.original);
    if (!original || !known.contains(sheet.reference)) missing.push_back(&sheet);
  }
  if (!missing.empty()) return problem(422, name_missing(missing));

  const auto warnings = TRY(find_warnings(site, submission.batch.recipe));
  auto answered = site.ask(std::move(submission));
  if (auto* error = std::get_if<Error>(&answered)) return std::move(*error);
  const auto& submitted = std::get<core::Submitted>(answered);
  Answer answer = answer_json({{"batch", submitted.batch.value},
                               {"sheets", submitted.sheets},
                               {"jobs", submitted.jobs},
                               {"warnings", warnings}},
                              submitted.again ? 200 : 201);
  answer.headers.emplace_back("Location",
                              "/api/v1/batches/" + std::to_string(submitted.batch.value));
  return answer;
}

Result<Answer> list(const Site& site, const Request& request) {
  const Paging paging = TRY(parse_paging(request));
  const auto rows = TRY(site.read().batches(BatchId{paging.after}, paging.limit));
  const auto workers = TRY(site.read().workers_alone({}, kListMax));
  const auto stopped = TRY(site.read().farm_stopped());
  Json items = Json::array();
  for (const store::BatchRow& row : rows) {
    items.push_back(batch_json(row, workers, stopped));
  }
  std::optional<std::uint64_t> next;
  if (rows.size() == paging.limit) next = rows.back().batch.id.value;
  return answer_list(std::move(items), next);
}

Result<Answer> show(const Site& site, const Request& request) {
  const auto id = TRY(parse_id<BatchId>(request.parameters[0], "batch"));
  const auto row = TRY(site.read().batch(id));
  const auto workers = TRY(site.read().workers_alone({}, kListMax));
  Json json = batch_json(row, workers, TRY(site.read().farm_stopped()));
  json["recipe"] = recipe_json(*row.batch.recipe);
  return answer_json(json);
}

Result<Answer> deliver(const Site& site, const Request& request) {
  const auto id = TRY(parse_id<BatchId>(request.parameters[0], "batch"));
  store::DeliveryRows rows = TRY(site.read().delivery(id));
  std::vector<delivery::Sheet> sheets;
  sheets.reserve(rows.page.sheets.size());
  for (store::SheetRow& row : rows.page.sheets) {
    delivery::Sheet sheet{std::move(row.sheet), {}};
    for (store::PoseRow& pose : row.poses) {
      std::vector<delivery::Take> takes;
      for (store::TakeRow& take : rows.takes[pose.pose.id]) {
        takes.push_back({std::move(take.job), std::move(take.worker)});
      }
      sheet.poses.push_back(
          {std::move(pose.pose), std::move(pose.latest), std::move(pose.chosen), std::move(takes)});
    }
    sheets.push_back(std::move(sheet));
  }
  const auto made = delivery::make_delivery(rows.page.batch, sheets, [&](const Digest& digest) {
    const auto size = site.config.blobs.find_size(digest);
    return size.ok() ? size.value() : 0;
  });
  Answer answer;
  answer.body = delivery::to_json(made);
  return answer;
}

}  // namespace

void add_batches(Router& router, Site& site) {
  router.add("POST", "/api/v1/batches", [&](const Request& r) { return submit(site, r); });
  router.add("GET", "/api/v1/batches",
             with_query({"limit", "after"}, [&](const Request& r) { return list(site, r); }));
  router.add("GET", "/api/v1/batches/{id}",
             with_query({}, [&](const Request& r) { return show(site, r); }));
  router.add("GET", "/api/v1/batches/{id}/delivery",
             with_query({}, [&](const Request& r) { return deliver(site, r); }));
}

}  // namespace pirouette::http
