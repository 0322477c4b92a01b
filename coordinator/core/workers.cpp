// Workers come, are heard, change their minds, fall silent and go.

#include <algorithm>
#include <cstdlib>

#include "coordinator/core/impl.h"
#include "coordinator/core/ledger.h"

namespace pirouette::core {
namespace {

// More at once than any real worker renders; one that asks for more would only hoard the queue.
constexpr std::uint32_t kCapacityMax = 1024;

// Two may be two bad jobs; from the third on it is the worker's. The longest rest is 256 s: short
// enough that a repaired worker is back before anyone has walked over to it.
constexpr std::uint32_t kTroublesBeforeRest = 3;
constexpr Duration kRestMin = seconds(1);
constexpr std::uint32_t kRestDoublingsMax = 8;

// Ticks come late by a commit or a busy machine, some tenths of a second; three of them are more.
constexpr std::int64_t kTicksBeforePause = 3;

// How old the time a worker was heard may grow in the database: a write every fifth heartbeat.
constexpr std::int64_t kHeardWrittenHeartbeats = 5;

// A thousand messages of some ten bytes are a percent of one core; an agent takes no slower beat
// than one a minute.
constexpr std::int64_t kHeartbeatsASecondMax = 1000;
constexpr Duration kHeartbeatMax = seconds(60);
constexpr std::size_t kWelcomesATick = 256;

}  // namespace

LiveWorker* Core::Impl::listen(LinkId link) {
  if (LiveWorker* live = fleet_.find_by_link(link)) {
    live->row->heard_at = now_;
    return live;
  }
  if (fleet_.standing(link) == Fleet::Standing::unknown) send(SendHelloWanted{link});
  return nullptr;
}

void Core::Impl::on(const WorkerSaidHello& event) {
  Worker& worker = find_or_add_worker(event.name);
  const bool joins = worker.state != WorkerState::online && worker.state != WorkerState::draining;
  LiveWorker& live = fleet_.connect(worker, event.link);
  if (joins) {
    worker.joined_at = now_;
    worker.state = WorkerState::online;
    note(ledger::kWorkerJoined, worker, event.device_name);
  }
  worker.device_kind = event.device_kind;
  worker.device_name = event.device_name;
  worker.memory_bytes = event.memory_bytes;
  worker.engine_build = event.engine_build;
  worker.models = event.models;
  worker.loras = event.loras;
  worker.lora_cache_bytes = event.lora_cache_bytes;
  worker.tags = event.tags;
  worker.heard_at = now_;
  worker.capacity = std::min(event.capacity, kCapacityMax);
  if (event.capacity > kCapacityMax) set_capacity(worker, event.capacity, "");
  put(worker);
  welcome(live);
  if (worker.state == WorkerState::draining) send(SendDrain{event.link});
  live.device_class = class_of(worker);
  live.hello_at = now_;
  compare_held(live, event.held);
  live.troubles = 0;
  live.rests_until = {};
  live.trust = {};
  live.trust.probe_at = now_;  // it was restarted: it may prove itself at once
  watch_.try_soon(now_);
  reckon(live);
  queue_.stir();
}

Worker& Core::Impl::find_or_add_worker(const std::string& name) {
  const auto [known, added] = worker_by_name_.try_emplace(name, state_.next.worker);
  if (!added) return get_worker(known->second);
  ++state_.next.worker.value;
  Worker& worker = state_.workers[known->second];
  worker.id = known->second;
  worker.name = name;
  return worker;
}

// What it holds and may go on with, what it is to drop (another worker has it by now, or it is
// over), and what we thought it held. The last may be results in its outbox: those follow its
// Hello, so the leases stay for one more heartbeat.
void Core::Impl::compare_held(LiveWorker& live, const std::vector<HeldLease>& held) {
  live.missing.clear();
  for (const auto& [lease, job] : live.leases) live.missing[lease] = now_ + policy_.heartbeat;
  for (const HeldLease& claim : held) {
    const auto open = live.leases.find(claim.lease);
    if (open != live.leases.end() && open->second == claim.job) {
      live.missing.erase(claim.lease);
    } else if (!take_up_again(live, claim)) {
      if (find_lease(claim.job, claim.lease)) told_to_drop_.insert(claim.lease);
      send(SendCancel{live.link, claim.lease});
    }
  }
}

void Core::Impl::on(const WorkerChangedCapacity& event) {
  LiveWorker* live = listen(event.link);
  if (!live) return;
  set_capacity(get_worker(live->id), event.capacity, event.why);
  put(get_worker(live->id));
}

void Core::Impl::set_capacity(Worker& worker, std::uint32_t capacity, const std::string& why) {
  worker.capacity = std::min(capacity, kCapacityMax);
  std::string detail = std::to_string(worker.capacity);
  if (capacity > kCapacityMax) detail += " (the most there is; it asked for more)";
  if (!why.empty()) detail += ": " + why;
  note(ledger::kWorkerCapacity, worker, detail);
  reckon(fleet_.add(worker));
  queue_.stir();
}

// A word of its capacity that was late, over a connection that broke meanwhile, may have come after
// a newer one. What it says with every heartbeat puts that right.
void Core::Impl::believe_heartbeat(Worker& worker, const WorkerWasHeard& event) {
  if (!event.capacity || std::min(*event.capacity, kCapacityMax) == worker.capacity) return;
  set_capacity(worker, *event.capacity, "as its heartbeat says");
  put(worker);
}

void Core::Impl::on(const WorkerWasHeard& event) {
  LiveWorker* live = listen(event.link);
  if (!live) return;
  Worker& worker = *live->row;
  believe_heartbeat(worker, event);
  if (event.residency.empty() || worker.residency == event.residency) return;
  worker.residency = event.residency;
  live->row_changed = true;
}

void Core::Impl::on(const WorkerSaidGoodbye& event) {
  LiveWorker* live = nullptr;
  // An unknown link that says goodbye is not asked to say Hello.
  if (fleet_.standing(event.link) == Fleet::Standing::current) live = listen(event.link);
  if (!live) return;
  const WorkerId id = live->id;
  const std::map<LeaseId, JobId> leases = live->leases;
  for (const auto& [lease, job] : leases) {
    if (is_twin(lease)) {
      end_twin(job, "its worker said goodbye", false);
    } else {
      requeue(get_job(job), "its worker said goodbye");
    }
  }
  part_with(id, WorkerState::gone, ledger::kWorkerLeft, "");
}

// Its leases are over already.
void Core::Impl::part_with(WorkerId id, WorkerState to, std::string_view kind,
                           const std::string& why) {
  fleet_.remove(id);
  Worker& worker = get_worker(id);
  worker.state = to;
  worker.residency.clear();
  put(worker);
  note(kind, worker, why);
  queue_.stir();
}

void Core::Impl::on(const Ticked&) {
  forgive_our_pause();
  ticked_at_ = now_;
  std::vector<WorkerId> silent;
  for (const auto& [id, live] : fleet_.live()) {
    if (now_ - live.row->heard_at >= lease_of(live)) silent.push_back(id);
  }
  for (WorkerId id : silent) {
    const std::map<LeaseId, JobId> leases = fleet_.find(id)->leases;
    for (const auto& [lease, job] : leases) lose_lease(lease, "its worker fell silent");
    part_with(
        id, WorkerState::lost, ledger::kWorkerLost,
        "silent for " + std::to_string((now_ - get_worker(id).heard_at).us / 1'000'000) + " s");
  }
  for (auto& [id, live] : fleet_.live()) {
    if (!live.missing.empty()) give_up_missing(live);
    if (!live.row->quarantine.empty()) probe_if_due(live);
    reckon(live);  // it may have rested enough
  }
  end_hung_jobs();
  twin_slow_jobs();
  look_ahead();
  pace_heartbeats();
  write_heard_workers();
  assemble_again_when_due();
  queue_.stir();  // a refused job may be offered again
}

// --- how often they are heard ---

// With the fleet the interval grows, so that heartbeats stay a small part of what the coordinator
// reads; a lease grows with it.
Duration Core::Impl::heartbeat_now() const {
  const auto workers = static_cast<std::int64_t>(fleet_.live().size());
  const Duration spread{workers * seconds(1).us / kHeartbeatsASecondMax};
  return std::clamp(spread, policy_.heartbeat, std::max(policy_.heartbeat, kHeartbeatMax));
}

Duration Core::Impl::lease_of(const LiveWorker& live) const {
  const Duration heartbeat = live.heartbeat == Duration{} ? heartbeat_now() : live.heartbeat;
  return {policy_.lease.us * heartbeat.us / policy_.heartbeat.us};
}

void Core::Impl::welcome(LiveWorker& live) {
  live.heartbeat = heartbeat_now();
  send(SendWelcome{live.link, live.id, live.heartbeat, lease_of(live)});
}

// Those who were told another interval than is right by now are told anew, some at a tick.
void Core::Impl::pace_heartbeats() {
  const Duration right = heartbeat_now();
  std::size_t told = 0;
  for (auto& [id, live] : fleet_.live()) {
    if (!live.link || live.heartbeat == Duration{}) continue;
    const Duration off{std::abs(right.us - live.heartbeat.us)};
    if (off * 4 <= live.heartbeat) continue;
    welcome(live);
    if (++told == kWelcomesATick) return;
  }
}

// This process was stopped, or its machine was: what the workers said meanwhile may wait to be read
// still, so that time is no silence of theirs.
void Core::Impl::forgive_our_pause() {
  const Duration gap = now_ - ticked_at_;
  if (gap <= policy_.tick * kTicksBeforePause) return;
  for (auto& [id, live] : fleet_.live()) {
    Instant& heard_at = live.row->heard_at;
    heard_at = std::min(heard_at + gap, now_);
    for (auto& [lease, until] : live.missing) until = until + gap;
    live.freed_at = live.freed_at + gap;
    live.trust.probe_began = live.trust.probe_began + gap;
  }
  for (auto& [lease, run] : runs_) run.stepped_at = run.stepped_at + gap;
}

void Core::Impl::give_up_missing(const LiveWorker& live) {
  const std::map<LeaseId, Instant> missing = live.missing;
  for (const auto& [lease, until] : missing) {
    if (now_ < until) continue;
    lose_lease(lease, "its worker came back without it");
  }
}

// A broken worker fails fast, and would run through the whole queue before the morning: after some
// failures in a row it rests before each next job, twice as long each time.
void Core::Impl::note_trouble(LiveWorker& live) {
  ++live.troubles;
  if (live.troubles < kTroublesBeforeRest) return;
  rest(live, std::min(live.troubles - kTroublesBeforeRest, kRestDoublingsMax),
       "after " + std::to_string(live.troubles) + " failures in a row");
}

// A worker that says it cannot work at all rests for the longest time at once. Its capacity is its
// own to change: nobody would tell it that we had taken it away, and it would never ask for it.
void Core::Impl::note_cannot_work(LiveWorker& live, const std::string& why) {
  live.troubles = kTroublesBeforeRest + kRestDoublingsMax;
  rest(live, kRestDoublingsMax, "as it cannot work, it says: " + why);
}

void Core::Impl::rest(LiveWorker& live, std::uint32_t doublings, const std::string& why) {
  const Duration length = kRestMin * (std::int64_t{1} << doublings);
  live.rests_until = now_ + length;
  queue_.stir();  // what waited for it alone may go elsewhere
  note(ledger::kWorkerCapacity, get_worker(live.id),
       "rests for " + std::to_string(length.us / 1'000'000) + " s " + why);
}

void Core::Impl::reckon(LiveWorker& live) {
  live.slowness = durations_.slowness(live.device_class);
  fleet_.reckon(live, ticked_at_);
}

void Core::Impl::write_heard_workers() {
  for (const auto& [id, live] : fleet_.live()) {
    const Worker& worker = *live.row;
    const Duration heartbeat = std::max(policy_.heartbeat, live.heartbeat);
    const Duration unwritten = worker.heard_at - live.heard_written;
    if (live.row_changed || unwritten >= heartbeat * kHeardWrittenHeartbeats) put(worker);
  }
}

}  // namespace pirouette::core
