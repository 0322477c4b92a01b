#include "tests/sim/studio.h"

#include <utility>

namespace pirouette::sim {

using namespace core;

namespace {

constexpr std::uint64_t kBatchesMax = 4;
constexpr Duration kAsksAgain = seconds(2);

}  // namespace

Studio::Studio(Timeline& time, Weather& weather, Trace& trace, Audit& audit,
               CoordinatorProcess& coordinator)
    : time_(time), weather_(weather), trace_(trace), audit_(audit), coordinator_(coordinator) {}

void Studio::act() {
  if (keys_ < kBatchesMax && weather_.once_in(5)) submit();
  if (weather_.once_in(6)) change_pose();
  if (weather_.once_in(8)) change_batch();
}

void Studio::submit() {
  const std::string key = "key" + std::to_string(++keys_);
  BatchSubmitted event;
  event.key = key;
  event.digest = sha256(key);
  BatchSpec& batch = event.batch;
  batch.name = "batch of " + key;
  batch.owner = weather_.once_in(2) ? "ada" : "grace";
  batch.priority = static_cast<int>(weather_.below(100));
  batch.recipe.model = "tiny";
  batch.recipe.prompt = "{view} {identity_notes} {correction}";
  if (weather_.once_in(4)) batch.recipe.loras.push_back({"turn", 1, ""});
  if (weather_.once_in(4)) batch.recipe.required_tags = {"80gb"};
  for (std::uint64_t view = 1 + weather_.below(3); view > 0; --view) {
    const std::string name = "v" + std::to_string(view);
    batch.recipe.views.push_back({name, 0, name + " view", "", "front", "viewer"});
  }
  batch.idle_only = weather_.once_in(5);
  if (weather_.once_in(4)) {
    batch.recipe.proof = "v1";  // the last one: a sheet may do without
    batch.recipe.held_fills_idle = weather_.once_in(3);
  }
  for (std::uint64_t i = 1 + weather_.below(4); i > 0; --i) {
    SheetSpec sheet{"c" + std::to_string(i), sha256("reference " + std::to_string(i)), key, {}};
    if (weather_.once_in(4)) sheet.priority = static_cast<int>(weather_.below(100));
    if (weather_.once_in(4)) sheet.views = {0};
    batch.sheets.push_back(std::move(sheet));
  }
  unanswered_[key] = std::move(event);
  say(key);
}

void Studio::say(const std::string& key) {
  const auto waiting = unanswered_.find(key);
  if (waiting == unanswered_.end()) return;
  waiting->second.request = next_request();
  asked_[waiting->second.request] = key;
  trace_.say("studio submits " + key);
  coordinator_.ask(waiting->second);
  time_.after(kAsksAgain, [this, key] { say(key); });
}

void Studio::hear(const Reply& reply) {
  const auto asked = asked_.find(reply.request);
  const std::string key = asked == asked_.end() ? "" : asked->second;
  if (weather_.strikes(Trouble::reply_lost, 4)) return;
  audit_.replies(reply, key);
  if (std::holds_alternative<Submitted>(reply.answer)) unanswered_.erase(key);
}

void Studio::ask(Event event) { coordinator_.ask(std::move(event)); }

void Studio::change_pose() {
  const Rows& rows = audit_.rows();
  const PoseId pose{1 + weather_.below(rows.poses.size() + 2)};
  const auto review = static_cast<Review>(weather_.below(3));
  const auto change = [&](auto what) { ask(ChangeRequested{next_request(), "ada", what}); };
  switch (weather_.below(5)) {
    case 0:
    case 1:
      return change(RerollPose{pose, {}, "again"});
    case 2:
      return change(ReviewPose{pose, review, ""});
    case 3:
      return change(ChooseTake{pose, static_cast<std::uint32_t>(1 + weather_.below(3))});
    default:  // at once, as two people would
      change(ReviewPose{pose, review, ""});
      change(RerollPose{pose, 7, {}});
  }
}

void Studio::change_batch() {
  const Rows& rows = audit_.rows();
  const BatchId batch{1 + weather_.below(kBatchesMax)};
  const SheetId sheet{1 + weather_.below(rows.sheets.size() + 2)};
  const auto change = [&](auto what) { ask(ChangeRequested{next_request(), "grace", what}); };
  switch (weather_.below(8)) {
    case 0:
      if (weather_.once_in(3)) change(CancelBatch{batch});
      return;
    case 1:
      if (weather_.once_in(2)) change(CancelSheet{sheet});
      return;
    case 2:
      return change(ReviewSheet{sheet, static_cast<Review>(weather_.below(3)), ""});
    case 3:
    case 4:
      return change(PauseBatch{batch, weather_.once_in(2)});
    case 5:
      return ask(WorkerDrainRequested{next_request(), WorkerId{1 + weather_.below(4)}});
    default:
      change(SetPriority{batch, static_cast<int>(weather_.below(100))});
  }
}

// Without one, the views that wait for it wait for ever.
void Studio::reroll_failed_proofs() {
  const Rows& rows = audit_.rows();
  for (const auto& [id, pose] : rows.poses) {
    const Sheet& sheet = rows.sheets.at(pose.sheet);
    const Recipe& recipe = *rows.batches.at(sheet.batch).recipe;
    const bool waits = sheet.state == SheetState::rendering && sheet.proof == Proof::waiting;
    if (!waits || recipe.views[pose.view].id != recipe.proof) continue;
    if (rows.jobs.at(pose.latest).state != JobState::failed) continue;
    ask(ChangeRequested{next_request(), "ada", RerollPose{id, {}, "once more"}});
  }
}

void Studio::resume_all() {
  for (const auto& [id, batch] : audit_.rows().batches) {
    if (batch.paused) ask(ChangeRequested{next_request(), "ada", PauseBatch{id, false}});
  }
  reroll_failed_proofs();
}

}  // namespace pirouette::sim
