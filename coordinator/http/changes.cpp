// What people change about work that is there: cancel, pause, resume, priority; approve, reject;
// reroll and choose. Each is a POST to the thing it changes, with a small JSON body or none, and is
// durable when it is answered.

#include <nlohmann/json.hpp>

#include "common/job/fields.h"
#include "coordinator/core/event.h"
#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

using job::Complaints;
using job::Fields;
using Need = Fields::Need;

// A correction and some names.
constexpr std::size_t kChangeMaxBytes = 64u << 10;

// Takes what the body says into a change: what is missing, wrong or unknown is named in one error.
using ReadFields = std::function<void(Fields&)>;

Result<std::string> read_change(const Request& request, const ReadFields& read) {
  const std::string body = TRY(request.read_body(kChangeMaxBytes));
  const nlohmann::json value =
      body.empty() ? nlohmann::json::object() : TRY(job::parse_json(body, kChangeMaxBytes));
  Complaints complaints;
  Fields fields(value, "", complaints);
  std::string by;
  fields.text("by", by, kNameMaxBytes);
  read(fields);
  fields.finish();
  if (!complaints.none()) return complaints.error();
  return by;
}

void read_nothing(Fields&) {}

// Asks the core; the change is made, or the answer says why not.
Result<core::ReplyText> make(Site& site, std::string by,
                             decltype(core::ChangeRequested::change) change) {
  auto answered = site.ask(core::ChangeRequested{{}, std::move(by), std::move(change)});
  if (auto* error = std::get_if<Error>(&answered)) return std::move(*error);
  return answered;
}

// --- batches ---

Result<Answer> cancel_batch(Site& site, const Request& request) {
  const auto id = TRY(parse_id<BatchId>(request.parameters[0], "batch"));
  std::string by = TRY(read_change(request, read_nothing));
  TRY(make(site, std::move(by), core::CancelBatch{id}));
  return answer_json({{"batch", id.value}}, 202);
}

Result<Answer> pause_batch(Site& site, const Request& request, bool paused) {
  const auto id = TRY(parse_id<BatchId>(request.parameters[0], "batch"));
  std::string by = TRY(read_change(request, read_nothing));
  TRY(make(site, std::move(by), core::PauseBatch{id, paused}));
  return answer_json({{"batch", id.value}, {"paused", paused}});
}

Result<Answer> set_priority(Site& site, const Request& request) {
  const auto id = TRY(parse_id<BatchId>(request.parameters[0], "batch"));
  core::SetPriority change{id, 0};
  std::string by = TRY(read_change(request, [&](Fields& fields) {
    fields.whole("priority", change.priority, 0, 100, 1, Need::required);
  }));
  TRY(make(site, std::move(by), change));
  return answer_json({{"batch", id.value}, {"priority", change.priority}});
}

// --- sheets ---

Result<Answer> cancel_sheet(Site& site, const Request& request) {
  const auto id = TRY(parse_id<SheetId>(request.parameters[0], "sheet"));
  std::string by = TRY(read_change(request, read_nothing));
  TRY(make(site, std::move(by), core::CancelSheet{id}));
  return answer_json({{"sheet", id.value}}, 202);
}

Result<Answer> review_sheet(Site& site, const Request& request, core::Review review) {
  core::ReviewSheet change{TRY(parse_id<SheetId>(request.parameters[0], "sheet")), review, ""};
  std::string by = TRY(read_change(
      request, [&](Fields& fields) { fields.text("note", change.note, kPromptMaxBytes); }));
  const SheetId id = change.sheet;
  TRY(make(site, std::move(by), std::move(change)));
  return answer_json({{"sheet", id.value}, {"review", name(review)}});
}

// --- poses ---

Result<Answer> review_pose(Site& site, const Request& request, core::Review review) {
  core::ReviewPose change{TRY(parse_id<PoseId>(request.parameters[0], "pose")), review, ""};
  std::string by = TRY(read_change(
      request, [&](Fields& fields) { fields.text("note", change.note, kPromptMaxBytes); }));
  const PoseId id = change.pose;
  TRY(make(site, std::move(by), std::move(change)));
  return answer_json({{"pose", id.value}, {"review", name(review)}});
}

Result<Answer> reroll(Site& site, const Request& request) {
  core::RerollPose change{TRY(parse_id<PoseId>(request.parameters[0], "pose")), {}, {}};
  std::string by = TRY(read_change(request, [&](Fields& fields) {
    std::uint64_t seed = 0;
    if (fields.seed("seed", seed)) change.seed = seed;
    if (fields.find("note") == nullptr) return;
    fields.text("note", change.correction.emplace(), kPromptMaxBytes);
  }));
  const PoseId id = change.pose;
  const auto rerolled = std::get<core::Rerolled>(TRY(make(site, std::move(by), std::move(change))));
  Answer answer =
      answer_json({{"pose", id.value}, {"job", rerolled.job.value}, {"take", rerolled.take}}, 202);
  answer.headers.emplace_back("Location", "/api/v1/jobs/" + std::to_string(rerolled.job.value));
  return answer;
}

Result<Answer> choose(Site& site, const Request& request) {
  core::ChooseTake change{TRY(parse_id<PoseId>(request.parameters[0], "pose")), 0};
  std::string by = TRY(read_change(request, [&](Fields& fields) {
    int take = 1;
    fields.whole("take", take, 1, 1'000'000, 1, Need::required);
    change.take = static_cast<std::uint32_t>(take);
  }));
  TRY(make(site, std::move(by), change));
  return answer_json({{"pose", change.pose.value}, {"take", change.take}});
}

}  // namespace

void add_changes(Router& router, Site& site) {
  const auto add = [&](const std::string& path, auto serve, auto... more) {
    router.add("POST", "/api/v1/" + path,
               [&site, serve, more...](const Request& r) { return serve(site, r, more...); });
  };
  add("batches/{id}/cancel", cancel_batch);
  add("batches/{id}/pause", pause_batch, true);
  add("batches/{id}/resume", pause_batch, false);
  add("batches/{id}/priority", set_priority);
  add("sheets/{id}/cancel", cancel_sheet);
  add("sheets/{id}/approve", review_sheet, core::Review::approved);
  add("sheets/{id}/reject", review_sheet, core::Review::rejected);
  add("poses/{id}/approve", review_pose, core::Review::approved);
  add("poses/{id}/reject", review_pose, core::Review::rejected);
  add("poses/{id}/unreview", review_pose, core::Review::unreviewed);
  add("poses/{id}/reroll", reroll);
  add("poses/{id}/choose", choose);
}

}  // namespace pirouette::http
