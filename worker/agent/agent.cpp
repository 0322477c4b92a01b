#include "worker/agent/agent.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pirouette::agent {
namespace {

// A Welcome's heartbeat is believed within these: faster would be a flood, slower a dead line.
constexpr Duration kHeartbeatMin = milliseconds(50);
constexpr Duration kHeartbeatMax = seconds(60);

}  // namespace

Agent::Agent(Policy policy, std::vector<Finished> outbox, Instant now)
    : policy_(policy), now_(now), heartbeat_(policy.heartbeat) {
  for (Finished& result : outbox) {
    const LeaseId lease = result.lease;
    outbox_[lease].result = std::move(result);
  }
}

Actions Agent::step(const Event& event, Instant now) {
  now_ = now;
  if (!left_) {
    std::visit([this](const auto& happened) { on(happened); }, event);
    if (!left_) {
      ask_for_loras();
      say_capacity_if_changed();
      leave_if_drained();
    }
  } else if (const auto* finished = std::get_if<RenderFinished>(&event)) {
    on(*finished);  // too late to stop: kept for the next start
  }
  return std::exchange(out_, {});
}

Instant Agent::wakes_at() const {
  Instant at = kNever;
  if (link_ == Link::hello_said) at = hello_said_at_ + heartbeat_;
  if (link_ == Link::welcomed) at = heartbeat_said_at_ + heartbeat_;
  for (const auto& [lease, held] : held_) at = std::min(at, held.keep_again_at);
  return at;
}

// --- the link --------------------------------------------------------------------------------

void Agent::on(const Connected&) { say_hello(); }

void Agent::on(const Disconnected&) { link_ = Link::down; }

void Agent::on(const HelloAsked&) {
  // One asks for each message that was on its way when the coordinator restarted.
  if (link_ == Link::hello_said && now_ - hello_said_at_ < heartbeat_) return;
  say_hello();
}

void Agent::on(const CoordinatorWasHeard&) { heard_at_ = now_; }

void Agent::on(const Welcomed& welcome) {
  link_ = Link::welcomed;
  heard_at_ = now_;
  heartbeat_ = std::clamp(welcome.heartbeat, kHeartbeatMin, kHeartbeatMax);
  stored_blobs_.clear();  // it may be another coordinator, or one restored from a backup
  heartbeat_said_at_ = now_;
  residency_said_ = residency_;
  say(SayHeartbeat{residency_, capacity_said_});
  for (auto held = held_.begin(); held != held_.end();) {
    const auto next = std::next(held);
    if (held->second.stage == Stage::failed) {
      say(held->second.failure);
      erase(held);
    }
    held = next;
  }
  for (auto& [lease, waiting] : outbox_) {
    if (!waiting.said) hand_in(waiting);
  }
}

void Agent::on(const TurnedAway& turned) {
  left_ = true;
  out_.leave = Leave{true, turned.why};
}

void Agent::on(const Ticked& tick) {
  residency_ = tick.residency;
  const Duration silence_max{heartbeat_.us * policy_.silent_half_heartbeats / 2};
  const bool silent = link_ == Link::welcomed && now_ - heard_at_ > silence_max;
  const bool unanswered = link_ == Link::hello_said && now_ - hello_said_at_ >= heartbeat_;
  if (silent || unanswered) say_hello();
  if (link_ == Link::welcomed && now_ - heartbeat_said_at_ >= heartbeat_) {
    heartbeat_said_at_ = now_;
    say(SayHeartbeat{residency_ == residency_said_ ? "" : residency_, capacity_said_});
    residency_said_ = residency_;
  }
  for (auto& [lease, held] : held_) {
    if (held.keep_again_at > now_) continue;
    held.keep_again_at = kNever;
    out_.tasks.push_back(KeepResult{held.result, held.without_picture});
  }
}

void Agent::say(Say message) {
  if (link_ == Link::welcomed) out_.says.push_back(std::move(message));
}

void Agent::say_hello() {
  link_ = Link::hello_said;
  hello_said_at_ = now_;
  out_.says.clear();  // what was said under the old link is in this Hello, or follows the Welcome
  SayHello hello;
  hello.capacity = capacity_said_ = capacity().first;
  for (const auto& [lease, held] : held_) {
    if (!held.cancelled) hello.held.emplace_back(lease, held.job);
  }
  for (auto& [lease, waiting] : outbox_) {
    waiting.said = hello.outbox.size() < policy_.hello_results_max;
    if (waiting.said) hello.outbox.push_back(waiting.result);
  }
  out_.says.push_back(std::move(hello));
}

// --- jobs ------------------------------------------------------------------------------------

void Agent::on(const Assigned& assigned) {
  // Between Hello and Welcome it belongs to the old link: the coordinator, reading in the Hello
  // that it is not held, gives it out anew.
  if (link_ != Link::welcomed) return;
  if (held_.contains(assigned.lease)) return;
  if (const auto found = outbox_.find(assigned.lease); found != outbox_.end()) {
    return hand_in(found->second);
  }
  if (const auto [slots, why] = capacity(); slots == 0) return refuse(assigned.lease, why);
  if (load() >= policy_.capacity) {
    return refuse(assigned.lease,
                  "holds its " + std::to_string(policy_.capacity) + " jobs already");
  }
  const Digest& reference = assigned.spec.reference;
  const bool being_fetched = std::any_of(held_.begin(), held_.end(), [&](const auto& entry) {
    const Held& other = entry.second;
    return other.stage == Stage::fetching && !other.has_reference &&
           other.spec.reference == reference;
  });
  Held& held = held_[assigned.lease];
  held.job = assigned.job;
  held.spec = assigned.spec;
  for (const RecipeLora& lora : held.spec.loras) {
    if (lora.sha256) held.loras.push_back(lora.sha256);
  }
  held.loras_missing = held.loras;
  if (!being_fetched) out_.tasks.push_back(FetchReference{reference});
}

void Agent::on(const AssignedUnreadable& assigned) { refuse(assigned.lease, assigned.why); }

void Agent::refuse(LeaseId lease, const std::string& why) { say(SayRefused{lease, why}); }

void Agent::start_if_ready(LeaseId lease, Held& held) {
  if (!held.has_reference || !held.loras_missing.empty()) return;
  held.stage = Stage::rendering;
  out_.tasks.push_back(StartRender{lease, std::move(held.spec)});
}

void Agent::on(const ReferenceFetched& fetched) {
  for (auto& [lease, held] : held_) {
    if (held.stage != Stage::fetching || held.spec.reference != fetched.digest) continue;
    held.has_reference = true;
    start_if_ready(lease, held);
  }
}

// The oldest job that lacks any, once the one before has all of its own.
void Agent::ask_for_loras() {
  for (auto& [lease, held] : held_) {
    if (held.stage != Stage::fetching || held.loras_missing.empty()) continue;
    if (held.loras_asked) return;
    held.loras_asked = true;
    FetchLoras task;
    std::copy_if(held.spec.loras.begin(), held.spec.loras.end(), std::back_inserter(task.loras),
                 [](const RecipeLora& lora) { return static_cast<bool>(lora.sha256); });
    out_.tasks.push_back(std::move(task));
    return;
  }
}

std::vector<Digest> Agent::loras_in_use() const {
  std::vector<Digest> digests;
  for (const auto& [lease, held] : held_) {
    if (held.loras_asked) digests.insert(digests.end(), held.loras.begin(), held.loras.end());
  }
  return digests;
}

void Agent::on(const LoraFetched& fetched) {
  for (auto& [lease, held] : held_) {
    if (held.stage != Stage::fetching || !held.loras_asked) continue;
    if (std::erase(held.loras_missing, fetched.digest) > 0) start_if_ready(lease, held);
  }
}

void Agent::on(const LoraFailed& failed) {
  for (auto held = held_.begin(); held != held_.end();) {
    const auto next = std::next(held);
    const std::vector<Digest>& missing = held->second.loras_missing;
    if (held->second.stage == Stage::fetching && held->second.loras_asked &&
        std::find(missing.begin(), missing.end(), failed.digest) != missing.end()) {
      fail(held, failed.failure, failed.why);
    }
    held = next;
  }
}

void Agent::on(const ReferenceFailed& failed) {
  for (auto held = held_.begin(); held != held_.end();) {
    const auto next = std::next(held);
    if (held->second.stage == Stage::fetching && held->second.spec.reference == failed.digest) {
      fail(held, failed.failure, failed.why);
    }
    held = next;
  }
}

void Agent::on(const RenderStepped& stepped) {
  const auto found = held_.find(stepped.lease);
  if (found == held_.end() || found->second.cancelled) return;
  Held& held = found->second;
  const bool due = held.step_said == 0 || stepped.step == stepped.of ||
                   now_ - held.step_said_at >= policy_.progress_every;
  if (!due) return;
  held.step_said = stepped.step;
  held.step_said_at = now_;
  say(SayProgressed{stepped.lease, stepped.step, stepped.of});
}

void Agent::on(const RenderFinished& finished) {
  const auto found = held_.find(finished.lease);
  if (found == held_.end() || found->second.cancelled) {
    out_.tasks.push_back(DropPicture{finished.lease});
    if (found != held_.end()) erase(found);
    return;
  }
  Held& held = found->second;
  held.stage = Stage::keeping;
  held.result = {finished.lease, held.job, finished.digest, finished.metrics};
  held.without_picture = stored_blobs_.contains(finished.digest);
  out_.tasks.push_back(KeepResult{held.result, held.without_picture});
}

void Agent::on(const RenderFailed& failed) {
  const auto found = held_.find(failed.lease);
  if (found == held_.end()) return;
  if (found->second.cancelled) return erase(found);
  fail(found, failed.failure, failed.why);
}

// The job is over here. Without a Welcome the failure waits for one.
void Agent::fail(std::map<LeaseId, Held>::iterator held, FailureClass failure, std::string why) {
  SayFailed message{held->first, failure, std::move(why)};
  if (held->second.cancelled) return erase(held);
  if (link_ == Link::welcomed) {
    say(std::move(message));
    return erase(held);
  }
  held->second.stage = Stage::failed;
  held->second.failure = std::move(message);
}

void Agent::on(const CancelAsked& cancel) {
  const auto found = held_.find(cancel.lease);
  if (found == held_.end()) return;  // handed in already: it will be acknowledged as a duplicate
  Held& held = found->second;
  if (held.stage == Stage::rendering) {
    held.cancelled = true;
    out_.tasks.push_back(StopRender{cancel.lease});
    return;
  }
  if (held.stage == Stage::keeping && held.keep_again_at == kNever) {
    held.cancelled = true;  // on its way to the disk: dropped when it got there
    return;
  }
  if (held.stage == Stage::keeping) out_.tasks.push_back(DropPicture{cancel.lease});
  erase(found);
}

void Agent::erase(std::map<LeaseId, Held>::iterator held) {
  held_.erase(held);
  // Only a try to keep can tell that the disk is well again: with nothing left to keep, none comes.
  const bool keeps = std::any_of(held_.begin(), held_.end(), [](const auto& entry) {
    return entry.second.stage == Stage::keeping;
  });
  if (!keeps) disk_trouble_.clear();
}

// --- results ---------------------------------------------------------------------------------

void Agent::on(const ResultKept& kept) {
  disk_trouble_.clear();
  const auto found = held_.find(kept.lease);
  if (found == held_.end()) return;
  Held& held = found->second;
  if (held.cancelled) {
    out_.tasks.push_back(ForgetResult{kept.lease});
  } else {
    Unacknowledged& waiting = outbox_[kept.lease];
    waiting.result = std::move(held.result);
    waiting.stored = held.without_picture || stored_blobs_.contains(waiting.result.digest);
    hand_in(waiting);
  }
  erase(found);
}

void Agent::on(const ResultNotKept& kept) {
  const auto found = held_.find(kept.lease);
  if (found == held_.end()) return;
  if (found->second.cancelled) {
    out_.tasks.push_back(DropPicture{kept.lease});
    return erase(found);
  }
  disk_trouble_ = kept.why;
  found->second.keep_again_at = now_ + policy_.keep_again;
}

void Agent::hand_in(Unacknowledged& waiting) {
  if (waiting.stored) {
    waiting.said = link_ == Link::welcomed;
    return say(SayFinished{waiting.result});
  }
  if (waiting.putting) return;
  // Its bytes may be on their way for another lease of the same picture.
  const bool on_its_way = std::any_of(outbox_.begin(), outbox_.end(), [&](const auto& entry) {
    return entry.second.putting && entry.second.result.digest == waiting.result.digest;
  });
  waiting.putting = true;
  if (!on_its_way) out_.tasks.push_back(PutBlob{waiting.result.digest});
}

void Agent::on(const BlobStored& stored) {
  remember_stored(stored.digest);
  for (auto& [lease, waiting] : outbox_) {
    if (!waiting.putting || waiting.result.digest != stored.digest) continue;
    waiting.putting = false;
    waiting.stored = true;
    hand_in(waiting);
  }
}

void Agent::on(const BlobLost& lost) {
  for (auto entry = outbox_.begin(); entry != outbox_.end();) {
    const Finished& result = entry->second.result;
    if (!entry->second.putting || result.digest != lost.digest) {
      ++entry;
      continue;
    }
    out_.tasks.push_back(ForgetResult{result.lease});
    const auto held = held_.emplace(result.lease, Held{}).first;
    held->second.job = result.job;
    entry = outbox_.erase(entry);
    fail(held, FailureClass::retryable, lost.why);
  }
}

void Agent::on(const Acknowledged& acknowledged) {
  if (outbox_.erase(acknowledged.lease) == 0) return;
  out_.tasks.push_back(ForgetResult{acknowledged.lease});
}

void Agent::on(const ResultWanted& wanted) {
  const auto found = outbox_.find(wanted.lease);
  if (found == outbox_.end()) return;
  stored_blobs_.erase(found->second.result.digest);
  found->second.stored = false;
  hand_in(found->second);
}

void Agent::remember_stored(const Digest& digest) {
  if (stored_blobs_.size() >= policy_.stored_blobs_max) stored_blobs_.clear();
  stored_blobs_.insert(digest);
}

// --- coming and going ------------------------------------------------------------------------

std::uint32_t Agent::load() const {
  return static_cast<std::uint32_t>(std::count_if(
      held_.begin(), held_.end(), [](const auto& entry) { return !entry.second.cancelled; }));
}

std::pair<std::uint32_t, std::string> Agent::capacity() const {
  if (draining_) return {0, "draining"};
  if (!disk_trouble_.empty()) return {0, "cannot keep results: " + disk_trouble_};
  if (outbox_.size() >= policy_.outbox_max) {
    return {0, "the outbox has " + std::to_string(policy_.outbox_max) +
                   " results that were not acknowledged"};
  }
  return {policy_.capacity, ""};
}

void Agent::say_capacity_if_changed() {
  if (link_ != Link::welcomed) return;
  const auto [slots, why] = capacity();
  if (slots == capacity_said_) return;
  capacity_said_ = slots;
  say(SayChangedCapacity{slots, why});
}

void Agent::on(const DrainAsked&) { draining_ = true; }

void Agent::leave_if_drained() {
  if (!draining_ || !held_.empty() || !outbox_.empty()) return;
  if (link_ == Link::hello_said) return;  // the Welcome comes, then the goodbye
  say(SayGoodbye{});
  left_ = true;
  out_.leave = Leave{false, "drained: everything it held is handed in"};
}

void Agent::on(const StopAsked&) {
  for (const auto& [lease, held] : held_) {
    if (held.stage == Stage::rendering) out_.tasks.push_back(StopRender{lease});
  }
  say(SayGoodbye{});
  left_ = true;
  out_.leave = Leave{false, "stopped; " + std::to_string(outbox_.size()) +
                                " results wait in the outbox for the next start"};
}

}  // namespace pirouette::agent
