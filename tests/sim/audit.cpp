#include "tests/sim/audit.h"

#include <algorithm>

#include "coordinator/core/ledger.h"

namespace pirouette::sim {

using namespace core;

namespace {

std::string number(auto id) { return std::to_string(id.value); }

std::string number(LeaseId lease) {
  return std::to_string(lease.value & ((1ull << kLeaseEpochShift) - 1));
}

bool is_over(JobState state) { return state == JobState::done || state == JobState::cancelled; }

// The first lines that differ.
std::string difference(const std::string& one, const std::string& other) {
  std::size_t at = 0;
  while (at < one.size() && at < other.size() && one[at] == other[at]) ++at;
  const std::size_t begin = at == 0 ? 0 : one.rfind('\n', at - 1) + 1;
  const auto line = [&](const std::string& text) {
    return begin >= text.size() ? "nothing"
                                : "'" + text.substr(begin, text.find('\n', begin) - begin) + "'";
  };
  return line(one) + " where there should be " + line(other);
}

}  // namespace

Digest picture_of(const RenderSpec& spec, int device) {
  return sha256(spec.prompt + "|" + std::to_string(spec.seed) + "|" + to_hex(spec.reference) + "|" +
                spec.model + "|" + std::to_string(device));
}

State Audit::expected(const Rows& rows) const {
  State state = rows.load();
  state.next.lease = std::max(state.next.lease, first_lease_);
  return state;
}

void Audit::started(store::Store& store, const State& loaded) {
  links_.clear();
  const std::string found = describe(loaded);
  if (!under_way_.empty()) {
    Rows after = rows_;
    after.apply(under_way_);
    const bool is_there =
        loaded.next.event.value == after.ledger.size() + 1 && found == describe(expected(after));
    if (is_there) {
      apply(std::exchange(under_way_, {}));
    } else {
      under_way_.clear();
    }
  }
  compare(store, found);
}

void Audit::compare(store::Store& store) const {
  const auto loaded = store.load();
  if (!loaded.ok()) throw Broken("the database cannot be read: " + loaded.error().what);
  compare(store, describe(loaded.value()));
}

void Audit::compare(store::Store& store, const std::string& found) const {
  const std::string wanted = describe(expected(rows_));
  if (found != wanted) throw Broken("the database gives back " + difference(found, wanted));
  for (const auto& [id, batch] : rows_.batches) {
    if (!batch.settled()) continue;
    const auto recalled = store.recall({id, {}, {}, {}});
    if (!recalled.ok()) {
      throw Broken("batch " + number(id) + " cannot be recalled: " + recalled.error().what);
    }
    const std::string rows = describe(recalled.value());
    const std::string account = describe(rows_.recall({id, {}, {}, {}}));
    if (rows != account) {
      throw Broken("of batch " + number(id) + " the database gives back " +
                   difference(rows, account));
    }
  }
  check_told();
}

bool Audit::is_settled(JobId id) const {
  const auto job = rows_.jobs.find(id);
  return job != rows_.jobs.end() &&
         (is_over(job->second.state) ||
          rows_.batches.at(job->second.batch).state == BatchState::cancelled);
}

void Audit::check_told() const {
  for (const JobId job : acknowledged_) {
    if (!is_settled(job)) {
      throw Broken("a picture of job " + number(job) +
                   " was acknowledged, and the job is not over");
    }
  }
  for (const auto& [key, batch] : submitted_) {
    const auto row = rows_.batches.find(batch);
    if (row == rows_.batches.end() || row->second.submission_key != key) {
      throw Broken("batch " + number(batch) + " was promised to somebody, and is gone");
    }
  }
}

// --- each step ---

void Audit::stepped(const Core& core, const Event& event, const Effects& effects) {
  if (const auto* hello = std::get_if<WorkerSaidHello>(&event)) {
    Link& link = links_[hello->link] = {};
    link.capacity = hello->capacity;
    link.models = hello->models;
    link.loras = hello->loras;
    link.tags = hello->tags;
    for (const HeldLease& held : hello->held) link.held[held.lease] = held.job;
  }
  if (const auto* changed = std::get_if<WorkerChangedCapacity>(&event)) {
    links_[changed->link].capacity = changed->capacity;
  }
  if (const auto* heard = std::get_if<WorkerWasHeard>(&event); heard && heard->capacity) {
    links_[heard->link].capacity = *heard->capacity;
  }
  for (const Send& send : effects.sends) {
    if (const auto* welcome = std::get_if<SendWelcome>(&send)) {
      links_[welcome->link].worker = welcome->worker;
    }
    if (const auto* assign = std::get_if<SendAssign>(&send)) {
      check_assignment(*assign, core.state());
    }
  }
  if (const auto* finished = std::get_if<LeaseFinished>(&event)) {
    check_turned_away(*finished, effects);
  }
  const bool heartbeat = std::holds_alternative<WorkerWasHeard>(event);
  if (heartbeat && effects.writes.empty() && effects.sends.empty()) return;
  const auto broken = core.find_broken_invariants();
  if (!broken.empty()) throw Broken("the core breaks a promise: " + broken.front());
}

void Audit::check_able(const Link& link, const SendAssign& send, const Recipe& recipe) {
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::string lacks;
  if (!has(link.models, recipe.model)) lacks = recipe.model;
  for (const RecipeLora& lora : recipe.loras) {
    if (!has(link.loras, lora.name)) lacks = lora.name;
  }
  for (const std::string& tag : recipe.required_tags) {
    if (!has(link.tags, tag)) lacks = tag;
  }
  if (lacks.empty()) return;
  throw Broken("job " + number(send.job) + " is given to a worker that has no '" + lacks + "'");
}

void Audit::check_assignment(const SendAssign& send, const State& state) {
  Link& link = links_[send.link];
  // Of a settled batch the core knows nothing, of one that is being submitted the rows do not.
  const auto job = state.jobs.find(send.job);
  const BatchId batch = job == state.jobs.end() ? rows_.jobs.at(send.job).batch : job->second.batch;
  const auto known = state.batches.find(batch);
  check_able(link, send,
             *(known == state.batches.end() ? rows_.batches.at(batch) : known->second).recipe);
  link.held[send.lease] = send.job;
  std::uint32_t load = 0;
  for (const auto& [lease, id] : link.held) {
    const auto job = state.jobs.find(id);
    if (job == state.jobs.end()) continue;
    load += job->second.lease == lease && job->second.worker == link.worker ? 1 : 0;
  }
  if (load > link.capacity) {
    throw Broken("a worker that takes " + std::to_string(link.capacity) + " jobs is given " +
                 std::to_string(load));
  }
}

// A picture that is acknowledged, and its attempt failed.
void Audit::check_turned_away(const LeaseFinished& event, const Effects& effects) {
  for (const Write& write : effects.writes) {
    const auto* append = std::get_if<AppendEvent>(&write);
    if (!append || append->row.lease != event.lease) continue;
    const LedgerRow& row = append->row;
    if (row.kind != ledger::kJobRequeued && row.kind != ledger::kJobFailed) continue;
    turned_away_.insert(event.lease);
    const auto lease = rows_.leases.find(event.lease);
    if (lease == rows_.leases.end()) continue;
    const Duration took = row.at - lease->second.leased_at;
    if (took * 8 >= longest_) {
      throw Broken("a picture of job " + number(event.job) + " was turned away after " +
                   std::to_string(took.us / 1000) + " ms: it may have been rendered");
    }
  }
}

// --- each commit ---

void Audit::committing(std::span<const Write> writes) {
  under_way_.assign(writes.begin(), writes.end());
}

void Audit::committed() { apply(std::exchange(under_way_, {})); }

void Audit::apply(const std::vector<Write>& writes) {
  for (const Write& write : writes) note(write);
  const std::size_t before = rows_.ledger.size();
  rows_.apply(writes);
  for (std::size_t i = before; i < rows_.ledger.size(); ++i) {
    const LedgerRow& row = rows_.ledger[i];
    if (row.id.value != i + 1) throw Broken("the ledger counts " + number(row.id) + " twice");
    if (calm_ && row.kind == ledger::kWorkerLost) {
      throw Broken("worker " + number(row.worker) + " is well and was given up: " + row.detail);
    }
    if (calm_ && !may_hang_ && row.detail.ends_with("so it was taken from the worker")) {
      throw Broken("job " + number(row.job) + " was taken from a worker that is well");
    }
    if (row.kind == ledger::kJobDone && !accepted_.insert(row.job).second) {
      throw Broken("job " + number(row.job) + " has two accepted results");
    }
  }
  for (const Write& write : writes) {
    const auto* put = std::get_if<PutJob>(&write);
    if (!put || put->row.state != JobState::done) continue;
    check_result(put->row);
    longest_ = std::max(longest_, *put->row.ended_at - *put->row.leased_at);
  }
}

void Audit::note(const Write& write) {
  const auto* put = std::get_if<PutJob>(&write);
  if (!put) return;
  const auto known = rows_.jobs.find(put->row.id);
  if (known == rows_.jobs.end() || !is_over(known->second.state)) return;
  const Job& was = known->second;
  if (put->row.state != was.state || put->row.result != was.result) {
    throw Broken("job " + number(was.id) + " was " + std::string(name(was.state)) +
                 ", and then it was " + std::string(name(put->row.state)) +
                 (put->row.result == was.result ? "" : " with another picture"));
  }
}

void Audit::check_result(const Job& job) const {
  const Sheet& sheet = rows_.sheets.at(job.sheet);
  const Recipe& recipe = *rows_.batches.at(job.batch).recipe;
  const View& view = recipe.views.at(rows_.poses.at(job.pose).view);
  const RenderSpec spec =
      make_render_spec(recipe, view, sheet.reference, sheet.notes, job.correction, job.seed);
  for (int device = 0; device < kDeviceKinds; ++device) {
    if (job.result == picture_of(spec, device)) return;
  }
  if (lies_.contains({job.id, job.result})) return;
  throw Broken("job " + number(job.id) + " has a picture that was not rendered for it");
}

// --- what is told ---

void Audit::sends(const Send& send) {
  if (const auto* assign = std::get_if<SendAssign>(&send)) {
    const auto [given, is_new] = given_.emplace(assign->lease, assign->job);
    if (!is_new && given->second != assign->job) {
      throw Broken("lease " + number(assign->lease) + " was given for job " +
                   number(given->second) + " and for job " + number(assign->job));
    }
  }
  if (const auto* cancel = std::get_if<SendCancel>(&send)) answered_.insert(cancel->lease);
  if (const auto* acknowledged = std::get_if<SendAcknowledged>(&send)) {
    answered_.insert(acknowledged->lease);
    // A lie about a lease that never was is acknowledged too.
    const auto given = given_.find(acknowledged->lease);
    if (given != given_.end() && given->second == acknowledged->job &&
        !turned_away_.contains(acknowledged->lease)) {
      acknowledged_.insert(acknowledged->job);
    }
  }
}

void Audit::forgets(LeaseId lease) const {
  if (!kept_.contains(lease) || answered_.contains(lease)) return;
  throw Broken("a worker forgets its picture of job " + number(kept_.at(lease)) +
               ", which is not acknowledged");
}

void Audit::replies(const Reply& reply, const std::string& key) {
  const auto* submitted = std::get_if<Submitted>(&reply.answer);
  if (!submitted) return;
  const auto [told, is_new] = submitted_.emplace(key, submitted->batch);
  if (!is_new && told->second != submitted->batch) {
    throw Broken("'" + key + "' was submitted once and is batch " + number(told->second) +
                 " and batch " + number(submitted->batch));
  }
}

void Audit::compare(const Core& core) const {
  const std::string found = describe(expected(rows_)), wanted = describe(core.state());
  if (found != wanted) throw Broken("the rows written give " + difference(found, wanted));
}

// --- the end ---

void Audit::expect_peace() const {
  for (const auto& [id, batch] : rows_.batches) {
    if (batch.state == BatchState::running) throw Broken("batch " + number(id) + " never ended");
  }
  std::map<std::string, BatchId> keys;
  for (const auto& [id, batch] : rows_.batches) {
    if (!keys.emplace(batch.submission_key, id).second) {
      throw Broken("'" + batch.submission_key + "' was submitted once and there twice");
    }
  }
  for (const auto& [id, job] : rows_.jobs) {
    if (!is_over(job.state) && job.state != JobState::failed) {
      throw Broken("job " + number(id) + " never ended: it is " + std::string(name(job.state)));
    }
    if (accepted_.contains(id) != (job.state == JobState::done)) {
      throw Broken("job " + number(id) + " is " + std::string(name(job.state)) +
                   ", and the ledger tells otherwise");
    }
  }
  for (const auto& [lease, id] : kept_) {
    if (lied_about_.contains(lease) || turned_away_.contains(lease) || is_settled(id)) continue;
    throw Broken("job " + number(id) + " was rendered, and has no picture");
  }
}

}  // namespace pirouette::sim
