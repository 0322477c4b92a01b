#include "coordinator/core/fleet.h"

#include <algorithm>

#include "common/result.h"

namespace pirouette::core {
namespace {

// A process reconnects under a new link each time; its older ones fall silent.
constexpr std::size_t kSupersededMax = 8;

}  // namespace

LiveWorker& Fleet::add(Worker& row) {
  LiveWorker& live = live_[row.id];
  live.id = row.id;
  live.row = &row;
  return live;
}

void Fleet::remove(WorkerId worker) {
  const auto found = live_.find(worker);
  if (found == live_.end()) return;
  drop_hunger(found->second);
  forget(found->second.link);
  for (LinkId link : found->second.superseded) forget(link);
  live_.erase(found);
}

LiveWorker& Fleet::connect(Worker& row, LinkId link) {
  if (const auto known = find_link(link); known != by_link_.end()) {
    LiveWorker& other = *known->worker;
    std::erase(other.superseded, link);
    if (other.link == link && other.id != row.id) {
      other.link = {};
      drop_hunger(other);
    }
  }
  LiveWorker& live = add(row);
  if (live.link && live.link != link) live.superseded.push_back(live.link);
  if (live.superseded.size() > kSupersededMax) {
    forget(live.superseded.front());
    live.superseded.erase(live.superseded.begin());
  }
  live.link = link;
  forget(link);
  const auto at = std::ranges::lower_bound(by_link_, link, {}, &LinkOf::link);
  by_link_.insert(at, {link, &live});
  return live;
}

LiveWorker* Fleet::find(WorkerId worker) {
  const auto found = live_.find(worker);
  return found == live_.end() ? nullptr : &found->second;
}

const LiveWorker* Fleet::find(WorkerId worker) const {
  const auto found = live_.find(worker);
  return found == live_.end() ? nullptr : &found->second;
}

Fleet::Links::const_iterator Fleet::find_link(LinkId link) const {
  const auto at = std::ranges::lower_bound(by_link_, link, {}, &LinkOf::link);
  return at != by_link_.end() && at->link == link ? at : by_link_.end();
}

void Fleet::forget(LinkId link) {
  if (const auto known = find_link(link); known != by_link_.end()) by_link_.erase(known);
}

LiveWorker* Fleet::find_by_link(LinkId link) {
  const auto found = find_link(link);
  return found != by_link_.end() && found->worker->link == link ? found->worker : nullptr;
}

Fleet::Standing Fleet::standing(LinkId link) const {
  const auto found = find_link(link);
  if (found == by_link_.end()) return Standing::unknown;
  return found->worker->link == link ? Standing::current : Standing::superseded;
}

void Fleet::open(LiveWorker& worker, LeaseId lease, JobId job) { worker.leases[lease] = job; }

void Fleet::close(WorkerId worker, LeaseId lease) {
  LiveWorker* live = find(worker);
  PIROUETTE_CHECK(live && live->leases.contains(lease));
  live->leases.erase(lease);
  live->missing.erase(lease);
}

void Fleet::reckon(LiveWorker& worker, Instant now) {
  drop_hunger(worker);
  const Worker& row = *worker.row;
  if (!worker.link || row.state != WorkerState::online || now < worker.rests_until) return;
  if (worker.load() >= row.capacity) return;
  if (!row.quarantine.empty() && (!worker.trust.on_trial || worker.load() > 0)) return;
  worker.hungry_as = {worker.load(), worker.slowness};
  hungry_.insert({worker.load(), worker.slowness, worker.id});
}

void Fleet::drop_hunger(LiveWorker& worker) {
  if (worker.hungry_as) {
    const Hunger hunger{worker.hungry_as->first, worker.hungry_as->second, worker.id};
    hungry_.erase(hunger);
    aside_.erase(hunger);
  }
  worker.hungry_as.reset();
}

void Fleet::set_aside(LiveWorker& worker) {
  PIROUETTE_CHECK(worker.hungry_as);
  aside_.insert(hungry_.extract({worker.hungry_as->first, worker.hungry_as->second, worker.id}));
}

void Fleet::readmit() { hungry_.merge(aside_); }

}  // namespace pirouette::core
