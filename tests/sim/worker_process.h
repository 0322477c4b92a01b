#pragma once
// A worker as a process that comes and goes: the real agent and the real words of the wire around
// an outbox, a blob client and an engine that keep their promises and no more (worker/link and
// worker/engine): a record of the outbox is durable with the next sync, a forgotten one may come
// back, a picture is on disk before its record, blobs are tried until they are through.
//
// The engine may be slow, hang, fail, run out of memory. A worker that lies says, beside what its
// agent says, what it likes.

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/audit.h"
#include "tests/sim/coordinator_process.h"
#include "tests/sim/network.h"
#include "worker/agent/agent.h"
#include "worker/link/messages.h"

namespace pirouette::sim {

struct WorkerNature {
  std::string name;
  int device = 0;
  std::uint32_t capacity = 2;
  Duration render = seconds(3);
  bool lies = false;
  std::vector<std::string> loras, tags;
};

class WorkerProcess {
 public:
  struct Parts {
    Timeline& time;
    Weather& weather;
    Trace& trace;
    Network& network;
    Audit& audit;
    CoordinatorProcess& coordinator;
  };

  WorkerProcess(Parts parts, std::size_t index, WorkerNature nature);

  void start();
  void kill(bool power_cut);
  void stop();  // SIGTERM
  void suspend(Duration length);
  void wake_up();
  bool is_up() const { return agent_.has_value(); }
  bool hangs() const { return hung_; }
  void hang_from_now_on() { hangs_from_now_on_ = true; }
  bool lies() const { return nature_.lies; }
  // But what its engine hangs at: that nobody gets out of it.
  bool has_nothing() const {
    return records_.empty() && pictures_.empty() && (orders_.empty() || hung_);
  }
  // What the coordinator must have learned of it once nothing goes wrong any more.
  const std::string& name() const { return nature_.name; }
  std::uint32_t capacity() const { return nature_.capacity; }
  void set_disk_full(bool full) { disk_full_ = full; }

  void receive(const std::string& frame);
  void hear(News news);
  void lie();  // once

 private:
  struct Record {
    agent::Finished result;
    bool picture = true;
  };
  struct Order {
    LeaseId lease;
    RenderSpec spec;
  };

  // A round of worker_loop.cpp.
  void post(agent::Event event);
  void wake(Instant when);
  void handle_waiting();
  void step(const agent::Event& event);
  void make_durable();
  void speak();
  void exit(const agent::Leave& leave);
  void end(bool in_good_order);
  void end_sleep();

  void perform(const agent::FetchReference& task);
  void perform(const agent::FetchLoras& task);
  void perform(const agent::StartRender& task);
  void perform(const agent::StopRender& task);
  void perform(const agent::KeepResult& task);
  void perform(const agent::DropPicture& task) { pictures_.erase(task.lease); }
  void perform(const agent::ForgetResult& task);
  void perform(const agent::PutBlob& task) { put_blob(task.digest); }

  void put_blob(const Digest& digest);
  void fetch(const Digest& digest);
  void render_next();
  void finish_render(LeaseId lease);
  void render_failed(LeaseId lease, agent::FailureClass failure, const std::string& why);
  void later(Duration delay, agent::Event event);  // unless the process ended
  void note_lies(const std::string& frame);
  std::string make_lie();

  Instant now() const { return parts_.time.now() - clock_behind_; }
  void say(const std::string& text) { parts_.trace.say(nature_.name + " " + text); }

  Parts parts_;
  const std::size_t index_;
  const WorkerNature nature_;
  const link::Portrait portrait_;

  // On its disk.
  std::map<LeaseId, Record> records_;    // synced
  std::map<LeaseId, Record> forgotten_;  // since the last sync
  std::set<Digest> references_;
  bool disk_full_ = false;
  bool hangs_from_now_on_ = false;

  // Of the process that runs.
  std::uint64_t life_ = 0;
  std::optional<agent::Agent> agent_;
  std::optional<agent::Leave> leave_;
  std::vector<agent::Event> waiting_;
  std::vector<agent::Event> events_;  // what tasks answered at once
  std::vector<agent::Say> says_;
  std::map<LeaseId, Record> unsynced_;
  std::map<LeaseId, Digest> pictures_;  // rendered, not kept
  std::deque<Order> orders_;            // the first is being rendered
  bool rendering_ = false, hung_ = false;
  std::uint64_t render_ = 0;  // counts renders
  bool woken_ = false;
  Instant suspended_until_;
  Instant sleeps_until_;   // likewise, where its clock stands still
  Duration clock_behind_;  // what a machine slept through, its clock did not count
};

}  // namespace pirouette::sim
