#pragma once
// The coordinator as a process that comes and goes: the real store on a Disk, the real core, the
// real words of the wire and the real table of links. What is not the real one is what stands
// between them: the order of a round (coordinator/runtime/loop.cpp) and the ways of frames
// (coordinator/dispatch/dispatch.cpp), written out here without threads and sockets.
//
// A round may end at any point: before its commit, within it, after it, or with half of what it
// says said.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/wire/frames.h"
#include "coordinator/dispatch/links.h"
#include "tests/sim/audit.h"
#include "tests/sim/disk.h"
#include "tests/sim/network.h"

namespace pirouette::sim {

class CoordinatorProcess {
 public:
  struct Parts {
    Timeline& time;
    Weather& weather;
    Trace& trace;
    Disk& disk;
    Network& network;
    Audit& audit;
    std::function<void(const core::Reply&)> reply;
  };

  CoordinatorProcess(Parts parts, std::filesystem::path database);

  void start();  // tries until it runs; a supervisor would do so too
  void end();    // as a signal does; the database is closed in good order
  void crash(bool power_cut);
  void suspend(Duration length);
  bool is_up() const { return core_.has_value(); }

  void receive(const std::string& routing, const std::string& frame);
  // From a person. False: nobody listens.
  bool ask(core::Event event);

  // Its blob folder. What is in it is durable.
  bool has_blob(const Digest& digest) const { return blobs_.contains(digest); }
  bool put_blob(const Digest& digest);

  const core::State* state() const { return core_ ? &core_->state() : nullptr; }
  // Closes, opens and compares once more.
  void inspect();

 private:
  enum class Doom { none, before_commit, in_commit, after_commit, while_sending };
  struct Died {};  // thrown where a round ends

  void post(core::Event event);
  void wake();
  void tick(std::uint64_t life);
  void handle_waiting();
  void step(const core::Event& event, core::Effects& round);
  void let_out(core::Effects round);
  void commit(const std::vector<core::Write>& writes);
  void choose_doom();
  void lose_uncounted_blobs();
  void send(const std::vector<core::Send>& sends);
  void assemble(const core::AssembleSheet& task);
  void die(bool power_cut, const std::string& why);

  void receive_hello(const std::string& routing, const wire::Hello& hello);
  void receive_unreadable(const std::string& routing);
  void send_to(LinkId link, const std::vector<const core::Send*>& sends);
  void answer(const std::string& routing, const wire::CoordinatorFrame& frame);
  void turn_away(const std::string& routing);

  Instant now() const { return parts_.time.now() + clock_error_; }
  void say(const std::string& text) { parts_.trace.say("coordinator " + text); }

  Parts parts_;
  const std::filesystem::path database_;
  std::set<Digest> blobs_;

  // Of the process that runs.
  std::uint64_t life_ = 0;  // counts processes
  std::unique_ptr<store::Store> store_;
  std::optional<core::Core> core_;
  std::optional<dispatch::Links> links_;
  std::map<std::string, int> unreadable_;
  std::vector<core::Event> waiting_;
  bool woken_ = false;
  Instant suspended_until_;
  Duration clock_error_;  // the wall clock's at the start; it does not move afterwards
  Doom doom_ = Doom::none;
  bool power_too_ = false;
  std::uint64_t commits_ = 0, steps_ = 0;
};

}  // namespace pirouette::sim
