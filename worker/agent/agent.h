#pragma once
// The worker's mind: a pure state machine, built like the coordinator's core. It takes what
// happened and the time, and returns all that is to be done. It names no clock, thread, socket or
// file.
//
// The way of a job: assigned -> fetching its reference and LoRAs -> with the engine -> being kept
// in the outbox -> its blob put -> reported -> acknowledged. Several jobs are on the way at once,
// so that the engine always has the next one.
//
// Invariants:
//  1. A result is reported only once it is kept on disk, and after its blob was put. (A Hello names
//     all; the coordinator asks for blobs that it lacks.)
//  2. A result is forgotten only when it was acknowledged (or is lost, which is reported).
//  3. Losing the coordinator stops nothing: jobs go on, results pile up in the outbox (bounded).
//  4. Until it is welcomed it says nothing but Hello; what it learned by then is in that Hello or
//     follows the Welcome.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "worker/agent/event.h"

namespace pirouette::agent {

struct Policy {
  std::uint32_t capacity = 2;       // slots + prefetch
  Duration heartbeat = seconds(2);  // until a Welcome says otherwise
  Duration progress_every = milliseconds(500);
  Duration keep_again = seconds(10);  // after a full disk
  // Silence of the coordinator, in half heartbeats, before Hello is said again: two answers missed,
  // and half a heartbeat for the way.
  std::uint32_t silent_half_heartbeats = 5;
  std::size_t outbox_max = 1000;        // results: about 2 GB of pictures
  std::size_t hello_results_max = 256;  // wire::kHelloMaxFinished
  std::size_t stored_blobs_max = 1024;  // digests remembered as known to the coordinator
};

class Agent {
 public:
  // outbox: what an earlier process left on disk.
  Agent(Policy policy, std::vector<Finished> outbox, Instant now);

  Actions step(const Event& event, Instant now);

  // Fetched LoRAs of the jobs that it holds: they must stay on the disk. LoRAs are fetched for one
  // job after the other, and count from then on, so that two jobs that do not fit together never
  // wait for each other.
  std::vector<Digest> loras_in_use() const;

  // When it wants Ticked next; other events may come before.
  Instant wakes_at() const;

 private:
  enum class Link { down, hello_said, welcomed };
  enum class Stage { fetching, rendering, keeping, failed };

  struct Held {
    JobId job;
    RenderSpec spec;  // until it is rendered: the engine has it then
    Stage stage = Stage::fetching;
    bool has_reference = false;
    std::vector<Digest> loras;  // that travel: the spec is given away when it renders
    bool loras_asked = false;
    std::vector<Digest> loras_missing;
    bool cancelled = false;
    std::uint32_t step_said = 0;
    Instant step_said_at{};
    Finished result;  // from keeping on
    bool without_picture = false;
    Instant keep_again_at = kNever;
    SayFailed failure;  // waits for the Welcome
  };

  struct Unacknowledged {
    Finished result;
    bool stored = false;   // the coordinator has its blob
    bool putting = false;  // asked for, not answered
    bool said = false;     // under this link: an answer will come
  };

  void on(const Connected&);
  void on(const Disconnected&);
  void on(const Welcomed&);
  void on(const TurnedAway&);
  void on(const Assigned&);
  void on(const AssignedUnreadable&);
  void on(const Acknowledged&);
  void on(const ResultWanted&);
  void on(const CancelAsked&);
  void on(const DrainAsked&);
  void on(const HelloAsked&);
  void on(const CoordinatorWasHeard&);
  void on(const ReferenceFetched&);
  void on(const ReferenceFailed&);
  void on(const LoraFetched&);
  void on(const LoraFailed&);
  void on(const RenderStepped&);
  void on(const RenderFinished&);
  void on(const RenderFailed&);
  void on(const ResultKept&);
  void on(const ResultNotKept&);
  void on(const BlobStored&);
  void on(const BlobLost&);
  void on(const StopAsked&);
  void on(const Ticked&);

  void say(Say message);  // dropped unless welcomed
  void say_hello();
  void refuse(LeaseId lease, const std::string& why);
  void fail(std::map<LeaseId, Held>::iterator held, FailureClass failure, std::string why);
  void hand_in(Unacknowledged& waiting);
  void start_if_ready(LeaseId lease, Held& held);
  void ask_for_loras();
  void erase(std::map<LeaseId, Held>::iterator held);
  void remember_stored(const Digest& digest);
  std::pair<std::uint32_t, std::string> capacity() const;  // and why it is less than configured
  void say_capacity_if_changed();
  void leave_if_drained();
  std::uint32_t load() const;  // leases held that are not cancelled

  Policy policy_;
  Instant now_;
  Actions out_;

  Link link_ = Link::down;
  Duration heartbeat_;
  Instant hello_said_at_{};
  Instant heard_at_{};
  Instant heartbeat_said_at_{};
  std::string residency_, residency_said_;
  std::uint32_t capacity_said_ = 0;

  bool draining_ = false;
  bool left_ = false;
  std::string disk_trouble_;  // empty: none

  std::map<LeaseId, Held> held_;
  std::map<LeaseId, Unacknowledged> outbox_;
  std::set<Digest> stored_blobs_;  // results the coordinator has, since the last Welcome
};

}  // namespace pirouette::agent
