// The real core among workers that crash, restart, resend and say things twice, over a network that
// loses and delays, with a coordinator that is killed now and then. After that the world heals, and
// everything must come to its end: every job done, failed or cancelled, every rendered picture
// answered, exactly one accepted result a done job. The same seed gives the same run.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "common/rng.h"
#include "coordinator/core/core.h"
#include "tests/sim/rows.h"

namespace pirouette::sim {
namespace {

using namespace core;

// A few seconds' worth; PIROUETTE_SEEDS=10000 in the environment runs that many.
std::uint64_t count_seeds() {
  const char* asked = std::getenv("PIROUETTE_SEEDS");
  return asked ? std::strtoull(asked, nullptr, 10) : 150;
}

constexpr int kTroubledSteps = 250;
constexpr int kHealingRounds = 400;  // a job may be refused or fail a few times still

// One process of a worker, or none; its outbox outlives the process.
struct SimWorker {
  std::string name;
  LinkId link;  // none: no process runs
  std::uint32_t capacity = 1;
  std::map<LeaseId, JobId> held;
  std::map<LeaseId, JobId> outbox;
};

class World {
 public:
  explicit World(std::uint64_t seed) : rng_(seed), core_(std::in_place, State{}, Policy{}, now_) {
    for (int i = 1; i <= 3; ++i) {
      SimWorker worker;
      worker.name = "w" + std::to_string(i);
      worker.capacity = static_cast<std::uint32_t>(1 + rng_.below(3));
      workers_.push_back(worker);
    }
  }

  void trouble() {
    for (int i = 0; i < kTroubledSteps; ++i) do_anything();
  }

  void heal() {
    healing_ = true;
    // A drained process that says goodbye is started again undrained.
    for (SimWorker& worker : workers_) {
      start(worker);
      step(WorkerSaidGoodbye{worker.link});
      worker.held.clear();
      start(worker);
    }
    for (const auto& [id, batch] : rows_.batches) {
      step(ChangeRequested{{4}, "", PauseBatch{id, false}});
    }
    for (int round = 0; round < kHealingRounds && !is_over(); ++round) {
      now_ = now_ + seconds(1);
      for (SimWorker& worker : workers_) {
        if (!worker.link) start(worker);
        step(WorkerWasHeard{worker.link, ""});
        while (!worker.held.empty()) finish(worker, worker.held.begin()->first);
        report_outbox(worker);
      }
      step(Ticked{});
      while (!tasks_.empty()) assemble(0);
    }
  }

  void expect_all_ended() {
    EXPECT_TRUE(is_over());
    for (const auto& [id, batch] : rows_.batches) EXPECT_NE(batch.state, BatchState::running);
    std::map<JobId, int> accepted;
    for (const LedgerRow& row : rows_.ledger) {
      if (row.kind == "job.done") ++accepted[row.job];
    }
    for (const auto& [id, job] : rows_.jobs) {
      EXPECT_TRUE(job.state == JobState::done || job.state == JobState::failed ||
                  job.state == JobState::cancelled)
          << "job " << id.value << " is " << name(job.state);
      EXPECT_EQ(accepted[id], job.state == JobState::done ? 1 : 0) << "job " << id.value;
      // A picture was rendered under a lease of it: only what was cancelled may go without.
      if (rendered_.contains(id) && rows_.batches.at(job.batch).state != BatchState::cancelled) {
        EXPECT_TRUE(job.state == JobState::done || job.state == JobState::cancelled)
            << "job " << id.value << " was rendered and is " << name(job.state);
      }
    }
    for (const SimWorker& worker : workers_) EXPECT_TRUE(worker.outbox.empty());
  }

  std::uint64_t count_done() const {
    return static_cast<std::uint64_t>(
        std::count_if(rows_.jobs.begin(), rows_.jobs.end(),
                      [](const auto& job) { return job.second.state == JobState::done; }));
  }

  std::string history() const {
    std::string text;
    for (const LedgerRow& row : rows_.ledger) {
      text += row.kind + " " + std::to_string(row.job.value) + " " +
              std::to_string(row.lease.value) + " " + row.detail + "\n";
    }
    return text;
  }

 private:
  void do_anything() {
    SimWorker& worker = workers_[rng_.below(workers_.size())];
    switch (rng_.below(20)) {
      case 0:
        if (rows_.batches.size() < 4) submit();
        break;
      case 1:
        if (rng_.below(4) == 0) restart_coordinator();
        break;
      case 2:
        start(worker);
        break;
      case 3:
        if (rng_.below(2) == 0) stop(worker);
        break;
      case 4:
        if (rng_.below(6) == 0) {
          step(ChangeRequested{{1}, "", CancelBatch{{1 + rng_.below(4)}}});
        } else if (rng_.below(6) == 0) {
          step(WorkerDrainRequested{{2}, WorkerId{1 + rng_.below(3)}});
        }
        break;
      case 5:
      case 6:
        pass_time(1 + rng_.below(6), rng_.below(4) == 0);
        break;
      case 7:
      case 8:
        if (!tasks_.empty()) assemble(rng_.below(tasks_.size()));
        break;
      case 11:
        change_something();
        break;
      case 12:
        if (rng_.below(3) == 0) change_loras();
        break;
      case 9:
        step(LeaseFailed{any_link(), any_lease(), FailureClass::retryable, "late"});
        break;
      case 10:
        step(LeaseFinished{any_link(), any_lease(), JobId{1 + rng_.below(40)}, sha256("lie"), "{}",
                           false});
        break;
      default:
        if (worker.link) let_work(worker);
    }
  }

  void change_loras() {
    if (rng_.below(4) == 0) return step(LoraRetired{{5}, "", "ink"});
    LoraOffered offer{{5}, "somebody", "ink", sha256(std::to_string(rng_.below(3))), 7, {}, false};
    offer.replace = rng_.below(2) == 0;
    if (rng_.below(2) == 0) offer.trigger = "inked";
    step(offer);
  }

  void change_something() {
    const PoseId pose{1 + rng_.below(rows_.poses.size() + 2)};
    const SheetId sheet{1 + rng_.below(rows_.sheets.size() + 2)};
    const BatchId batch{1 + rng_.below(4)};
    const auto change = [&](auto what) { step(ChangeRequested{{3}, "somebody", what}); };
    const auto review = static_cast<Review>(rng_.below(3));
    switch (rng_.below(10)) {
      case 0:
      case 1:
        return change(RerollPose{pose, {}, "again"});
      case 2:
      case 3:
        return change(ReviewPose{pose, review, ""});
      case 4:
        return change(ReviewSheet{sheet, review, ""});
      case 5:
        return change(ChooseTake{pose, static_cast<std::uint32_t>(1 + rng_.below(3))});
      case 6:
        return change(PauseBatch{batch, rng_.below(2) == 0});
      case 7:
        return change(SetPriority{batch, static_cast<int>(rng_.below(100))});
      case 8:
        if (rng_.below(4) == 0) change(CancelSheet{sheet});
        return;
      default:
        // At once, as two people would.
        change(ReviewPose{pose, review, ""});
        change(RerollPose{pose, 7, {}});
    }
  }

  // A tick each second, unless the coordinator was stopped meanwhile.
  void pass_time(std::uint64_t length, bool stopped) {
    if (stopped) now_ = now_ + seconds(static_cast<std::int64_t>(length - 1));
    for (std::uint64_t ticks = stopped ? 1 : length; ticks > 0; --ticks) {
      now_ = now_ + seconds(1);
      step(Ticked{});
    }
  }

  void let_work(SimWorker& worker) {
    step(WorkerWasHeard{worker.link, ""});
    report_outbox(worker);
    if (worker.held.empty()) return;
    auto at = worker.held.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(rng_.below(worker.held.size())));
    const LeaseId lease = at->first;
    switch (rng_.below(8)) {
      case 0:
        worker.held.erase(at);
        step(LeaseRefused{worker.link, lease, "no room"});
        break;
      case 1:
        worker.held.erase(at);
        step(LeaseFailed{worker.link, lease, static_cast<FailureClass>(rng_.below(3)), "trouble"});
        break;
      case 2:
        step(LeaseProgressed{worker.link, lease, 1, 2});
        break;
      default:
        finish(worker, lease);
    }
  }

  void submit() {
    BatchSubmitted event;
    event.batch.name = "batch";
    event.batch.priority = static_cast<int>(rng_.below(100));
    event.batch.recipe.model = "tiny";
    event.batch.recipe.prompt = "{view}";
    if (rng_.below(2) == 0) event.batch.recipe.loras = {{"ink", 1, ""}};
    for (std::uint64_t i = 1 + rng_.below(3); i > 0; --i) {
      event.batch.recipe.views.push_back({"v" + std::to_string(i), 0, "view", "", "front", "left"});
    }
    for (std::uint64_t i = 1 + rng_.below(4); i > 0; --i) {
      SheetSpec sheet{"c" + std::to_string(i), sha256("reference"), "", {}};
      if (rng_.below(4) == 0) sheet.priority = static_cast<int>(rng_.below(100));
      if (rng_.below(4) == 0) sheet.views = {0};
      event.batch.sheets.push_back(std::move(sheet));
    }
    step(event);
  }

  // A new process, or an old one that connects again with what it holds.
  void start(SimWorker& worker) {
    if (!worker.link || rng_.below(2) == 0) worker.held.clear();
    worker.link = {++links_};
    WorkerSaidHello hello;
    hello.link = worker.link;
    hello.name = worker.name;
    hello.capacity = worker.capacity;
    hello.models = {"tiny"};
    hello.loras = {"ink"};
    hello.lora_cache_bytes = 7;
    for (const auto& [lease, job] : worker.held) hello.held.push_back({lease, job});
    step(hello);
    report_outbox(worker);
  }

  void stop(SimWorker& worker) {
    if (worker.link && rng_.below(2) == 0) step(WorkerSaidGoodbye{worker.link});
    worker.held.clear();
    worker.link = {};
  }

  void finish(SimWorker& worker, LeaseId lease) {
    rendered_.insert(worker.held.at(lease));
    worker.outbox[lease] = worker.held.at(lease);
    worker.held.erase(lease);
    report_outbox(worker);
  }

  // Reports may be lost, come twice, or before their picture; they are repeated until acknowledged.
  void report_outbox(SimWorker& worker) {
    const std::map<LeaseId, JobId> outbox = worker.outbox;
    for (const auto& [lease, job] : outbox) {
      if (!worker.link) return;
      if (happens(5)) continue;
      const bool stored = !happens(5);
      const Digest picture = sha256("picture " + std::to_string(lease.value));
      step(LeaseFinished{worker.link, lease, job, picture, "{}", stored});
      if (happens(5)) step(LeaseFinished{worker.link, lease, job, picture, "{}", true});
    }
  }

  void assemble(std::uint64_t which) {
    const AssembleSheet task = tasks_[which];
    tasks_.erase(tasks_.begin() + static_cast<std::ptrdiff_t>(which));
    if (happens(3)) {
      const Errc why = happens(2) ? Errc::io : Errc::busy;
      step(SheetAssemblyFailed{task.sheet, task.version, {why, "trouble"}});
    } else {
      step(SheetAssembled{task.sheet, task.version, sha256("sheet"), sha256("small"), "[]"});
    }
  }

  void restart_coordinator() {
    tasks_.clear();
    core_.emplace(rows_.load(), Policy{}, now_);
  }

  void step(const Event& event) {
    const Effects effects = core_->step(event, now_);
    rows_.apply(effects.writes);
    const auto broken = core_->find_broken_invariants();
    ASSERT_TRUE(broken.empty()) << broken.front();
    if (++steps_ % 16 == 0) {
      ASSERT_EQ(describe(rows_.load()), describe(core_->state()));
    }
    for (const AssembleSheet& task : effects.tasks) tasks_.push_back(task);
    for (const Recall& wanted : effects.recalls) {
      step(BatchRecalled{rows_.recall(wanted), wanted.then});
    }
    // A HelloWanted is answered after the round, as a real link would.
    std::vector<SimWorker*> strangers;
    for (const Send& message : effects.sends) {
      std::visit([&](const auto& send) { deliver(send, strangers); }, message);
    }
    for (SimWorker* worker : strangers) start(*worker);
  }

  template <typename Message>
  void deliver(const Message& message, std::vector<SimWorker*>& strangers) {
    const auto worker = std::find_if(workers_.begin(), workers_.end(), [&](const SimWorker& other) {
      return other.link == message.link;
    });
    if (worker == workers_.end() || !message.link) return;
    if constexpr (std::is_same_v<Message, SendAssign>) {
      // Lost with its connection: the worker connects again, sooner or later.
      if (happens(12)) return stop(*worker);
      worker->held[message.lease] = message.job;
    } else if constexpr (std::is_same_v<Message, SendAcknowledged>) {
      // An answer to a lie that was told in its name is none to what it said.
      const auto reported = worker->outbox.find(message.lease);
      if (reported == worker->outbox.end() || reported->second != message.job) return;
      if (!happens(6)) worker->outbox.erase(reported);
    } else if constexpr (std::is_same_v<Message, SendCancel>) {
      if (!happens(3)) worker->held.erase(message.lease);
    } else if constexpr (std::is_same_v<Message, SendHelloWanted>) {
      strangers.push_back(&*worker);
    }
  }

  // Only while there is trouble: once in n times.
  bool happens(std::uint64_t n) { return !healing_ && rng_.below(n) == 0; }
  LinkId any_link() { return {1 + rng_.below(links_ + 2)}; }
  LeaseId any_lease() { return {1 + rng_.below(rows_.leases.size() + 2)}; }

  bool is_over() const {
    const bool delivered = std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) {
      return worker.outbox.empty() && worker.held.empty();
    });
    const auto& batches = core_->state().batches;
    return delivered && std::none_of(batches.begin(), batches.end(), [](const auto& batch) {
             return batch.second.state == BatchState::running;
           });
  }

  Rng rng_;
  Instant now_{1'767'225'600'000'000};
  Rows rows_;
  std::optional<Core> core_;
  std::vector<SimWorker> workers_;
  std::vector<AssembleSheet> tasks_;
  std::set<JobId> rendered_;
  std::uint64_t links_ = 0, steps_ = 0;
  bool healing_ = false;
};

TEST(RandomRun, EverythingEndsOnceTheWorldHeals) {
  const std::uint64_t seeds = count_seeds();
  std::uint64_t done = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    world.trouble();
    world.heal();
    world.expect_all_ended();
    done += world.count_done();
    if (HasFailure()) {
      std::printf("%s", world.history().c_str());
      return;
    }
  }
  // The runs are not empty ones.
  EXPECT_GT(done, seeds * 5);
}

TEST(RandomRun, TheSameSeedGivesTheSameHistory) {
  const auto run = [](std::uint64_t seed) {
    World world(seed);
    world.trouble();
    world.heal();
    return world.history();
  };
  for (std::uint64_t seed = 1; seed <= 10; ++seed) EXPECT_EQ(run(seed), run(seed));
}

}  // namespace
}  // namespace pirouette::sim
