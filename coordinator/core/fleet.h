#pragma once
// The workers that count on us or we on them: who is connected by which link, which leases are open
// at whom, and who has room for more. Derived from the State and the links; the rows it points to
// are the State's, where a worker's row stays for ever.
//
// One process under a name at a time: the newest Hello wins, because the usual reason is that the
// process was restarted before its silence was noticed. A superseded link is remembered and not
// listened to, so that two processes under one name do not push each other out for ever.

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "coordinator/core/placement.h"
#include "coordinator/core/probe.h"
#include "coordinator/core/state.h"

namespace pirouette::core {

struct LiveWorker {
  WorkerId id;
  Worker* row = nullptr;           // the State's
  LinkId link;                     // none: not since this coordinator started
  std::vector<LinkId> superseded;  // the newest last
  std::map<LeaseId, JobId> leases;
  // Leases that its last Hello did not mention, and until when their results are waited for.
  std::map<LeaseId, Instant> missing;
  Residency residency;
  std::uint32_t device_class = 0;
  std::int64_t slowness = 0;   // of that class; see durations.h
  Instant hello_at;            // of its newest link
  Duration heartbeat;          // as it was told last; 0: not since this coordinator started
  Instant freed_at;            // when it last ended a lease
  std::uint32_t troubles = 0;  // leases failed or refused in a row
  Instant rests_until;         // after too many of them
  Trust trust;                 // what it failed, and how it proves itself
  bool row_changed = false;    // counts or residency; written with the next tick
  Instant heard_written;
  // Where it stands among the hungry: by load, then the fast first.
  std::optional<std::pair<std::size_t, std::int64_t>> hungry_as;

  // What it works on as far as it says.
  std::size_t load() const { return leases.size() - missing.size(); }
};

class Fleet {
 public:
  enum class Standing { unknown, superseded, current };

  LiveWorker& add(Worker& row);  // or the one there
  void remove(WorkerId worker);
  // Makes link the worker's current one.
  LiveWorker& connect(Worker& row, LinkId link);

  LiveWorker* find(WorkerId worker);
  const LiveWorker* find(WorkerId worker) const;
  LiveWorker* find_by_link(LinkId link);  // its current link only
  Standing standing(LinkId link) const;

  void open(LiveWorker& worker, LeaseId lease, JobId job);
  void close(WorkerId worker, LeaseId lease);

  // Call after anything that changes how much the worker may take.
  void reckon(LiveWorker& worker, Instant now);

  // Those with room, the least loaded first, and of these the fastest.
  struct Hunger {
    std::size_t load = 0;
    std::int64_t slowness = 0;
    WorkerId worker;
    auto operator<=>(const Hunger&) const = default;
  };
  using Hungry = std::set<Hunger>;
  const Hungry& hungry() const { return hungry_; }
  // It found nothing: it is not among the hungry until everyone may search again.
  void set_aside(LiveWorker& worker);
  void readmit();
  const Hungry& aside() const { return aside_; }
  const std::map<WorkerId, LiveWorker>& live() const { return live_; }
  std::map<WorkerId, LiveWorker>& live() { return live_; }

 private:
  // Looked up with every word of a worker: a flat list, sorted, that grows at its end.
  struct LinkOf {
    LinkId link;
    LiveWorker* worker;
  };
  using Links = std::vector<LinkOf>;
  Links::const_iterator find_link(LinkId link) const;
  void forget(LinkId link);
  void drop_hunger(LiveWorker& worker);

  std::map<WorkerId, LiveWorker> live_;
  Links by_link_;  // current and superseded ones
  Hungry hungry_;
  Hungry aside_;
};

}  // namespace pirouette::core
