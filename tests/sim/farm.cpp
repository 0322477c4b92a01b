#include "tests/sim/farm.h"

#include <array>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "coordinator/store/connection.h"
#include "tests/sim/audit.h"
#include "tests/sim/coordinator_process.h"
#include "tests/sim/disk_vfs.h"
#include "tests/sim/network.h"
#include "tests/sim/studio.h"
#include "tests/sim/worker_process.h"
#include "tests/support/folder.h"

namespace pirouette::sim {
namespace {

constexpr std::size_t kWorkersMin = 2, kWorkersMax = 4;
constexpr Duration kCalmMost = seconds(3600);
// Where an engine hangs: half an hour each until it has failed three jobs, and one more on trial.
constexpr Duration kHangingMost = seconds(4 * 3600);
// Until every process is up again, and who was lost is known to be: a start and a lease's length.
constexpr Duration kSettles = seconds(60);
constexpr Duration kCalmLeast = seconds(100);
// A farm draws its epoch at random when its database is made; here it is always the same.
constexpr LeaseId kFirstLease{(7ull << core::kLeaseEpochShift) + 1};

// The lock beside the database is a real file.
const std::filesystem::path& database_path() {
  static const TestFolder folder;
  static const std::filesystem::path path = folder / "farm.db";
  return path;
}

// The disk of a farm that was just made.
const Disk& fresh_disk() {
  static const Disk* const made = [] {
    auto* disk = new Disk;
    const MountedDisk mounted(*disk);
    store::Store::open(database_path()).value();
    SQLite::Database database = store::open_writer(database_path());
    database.exec("UPDATE fence SET lease = " + std::to_string(kFirstLease.value - 1));
    return disk;
  }();
  return *made;
}

class Farm {
 public:
  Farm(std::uint64_t seed, bool aloud);
  Outcome run();

 private:
  void live_through_trouble();
  void heal();
  void come_to_rest();
  void expect_known_capacities() const;
  void strike();
  void strike_coordinator();
  void strike_worker();
  void fill_disk_too(WorkerProcess& worker);
  bool is_at_rest() const;
  WorkerNature make_nature(std::size_t index);
  WorkerProcess& any_worker() { return *workers_[weather_.below(workers_.size())]; }

  const Disk& fresh_ = fresh_disk();  // made before this farm's is mounted
  Timeline time_;
  Weather weather_;
  Trace trace_;
  Disk disk_;
  MountedDisk mounted_;
  Audit audit_;
  std::optional<Network> network_;
  std::optional<CoordinatorProcess> coordinator_;
  std::optional<Studio> studio_;
  std::vector<std::unique_ptr<WorkerProcess>> workers_;
  std::array<Duration, kDeviceKinds> render_{};  // what one takes, on each kind of device
  bool an_engine_hangs_ = false;                 // to the end of the night
};

Farm::Farm(std::uint64_t seed, bool aloud)
    : weather_(seed), trace_(time_, aloud), mounted_(disk_), audit_(kFirstLease) {
  const std::size_t count = kWorkersMin + weather_.below(kWorkersMax - kWorkersMin + 1);
  network_.emplace(
      time_, weather_, trace_, count,
      Network::Ends{
          [this](const auto& routing, const auto& frame) { coordinator_->receive(routing, frame); },
          [this](std::size_t worker, const auto& frame) { workers_[worker]->receive(frame); },
          [this](std::size_t worker, News news) { workers_[worker]->hear(news); }});
  coordinator_.emplace(
      CoordinatorProcess::Parts{time_, weather_, trace_, disk_, *network_, audit_,
                                [this](const core::Reply& reply) { studio_->hear(reply); }},
      database_path());
  studio_.emplace(time_, weather_, trace_, audit_, *coordinator_);
  for (Duration& render : render_) render = weather_.between(milliseconds(300), seconds(6));
  for (std::size_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<WorkerProcess>(
        WorkerProcess::Parts{time_, weather_, trace_, *network_, audit_, *coordinator_}, i,
        make_nature(i)));
  }
}

WorkerNature Farm::make_nature(std::size_t index) {
  WorkerNature nature;
  nature.name = "w" + std::to_string(index + 1);
  nature.device = static_cast<int>(weather_.below(kDeviceKinds));
  nature.capacity = static_cast<std::uint32_t>(1 + weather_.below(3));
  nature.render = render_[static_cast<std::size_t>(nature.device)];
  nature.lies = weather_.once_in(4);
  // The first can render anything, so nothing waits for ever.
  if (index == 0 || weather_.once_in(2)) nature.loras = {"turn"};
  if (index == 0 || weather_.once_in(2)) nature.tags = {"80gb"};
  return nature;
}

Outcome Farm::run() {
  Outcome outcome;
  try {
    disk_.copy_from(fresh_);
    coordinator_->start();
    for (const auto& worker : workers_) worker->start();
    live_through_trouble();
    heal();
    come_to_rest();
    audit_.expect_peace();
    expect_known_capacities();
    coordinator_->inspect();
  } catch (const Broken& broken) {
    outcome.broken = broken.what();
    trace_.say("BROKEN " + outcome.broken);
  }
  outcome.hash = trace_.hash();
  outcome.done = audit_.done();
  for (std::size_t i = 0; i < Weather::kKinds; ++i) {
    outcome.struck[i] = weather_.struck(static_cast<Trouble>(i));
  }
  return outcome;
}

void Farm::live_through_trouble() {
  const Instant end = time_.now() + weather_.between(seconds(30), seconds(150));
  while (time_.now() < end) {
    time_.run_until(time_.now() + milliseconds(500));
    studio_->act();
    strike();
  }
}

void Farm::strike() {
  strike_coordinator();
  strike_worker();
  const auto worker = static_cast<std::size_t>(weather_.below(workers_.size()));
  if (weather_.strikes(Trouble::one_way_cut, 30)) {
    const bool upwards = weather_.once_in(2);
    trace_.say("network is cut one way");
    network_->cut(worker, upwards, !upwards, weather_.between(seconds(1), seconds(40)));
    fill_disk_too(*workers_[worker]);
  }
  if (weather_.strikes(Trouble::partition, 40)) {
    trace_.say("network is cut");
    const Duration length = weather_.between(seconds(1), seconds(40));
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      if (!weather_.once_in(2)) continue;
      network_->cut(i, true, true, length);
      fill_disk_too(*workers_[i]);
    }
  }
}

// So that words of it are under way for long.
void Farm::fill_disk_too(WorkerProcess& worker) {
  if (weather_.strikes(Trouble::worker_disk_full, 4)) worker.set_disk_full(true);
}

void Farm::strike_coordinator() {
  if (weather_.strikes(Trouble::killed, 40)) {
    coordinator_->crash(weather_.strikes(Trouble::power_cut, 1));
  }
  if (weather_.once_in(200) && coordinator_->is_up()) coordinator_->end();
  if (weather_.strikes(Trouble::suspended, 60)) {
    coordinator_->suspend(weather_.between(seconds(1), seconds(30)));
  }
  if (disk_.is_full()) {
    if (weather_.once_in(15)) disk_.set_full(false);
  } else if (weather_.strikes(Trouble::disk_full, 60)) {
    trace_.say("coordinator has a full disk");
    disk_.set_full(true);
  }
}

void Farm::strike_worker() {
  WorkerProcess& worker = any_worker();
  if (weather_.strikes(Trouble::worker_killed, 30)) worker.kill(weather_.once_in(2));
  if (weather_.strikes(Trouble::worker_stopped, 60)) worker.stop();
  if (weather_.strikes(Trouble::worker_suspended, 40)) {
    const Duration most = weather_.once_in(4) ? seconds(3600) : seconds(30);
    worker.suspend(weather_.between(seconds(1), most));
  }
  if (weather_.strikes(Trouble::worker_disk_full, 40)) worker.set_disk_full(true);
  if (weather_.once_in(10)) any_worker().set_disk_full(false);
  for (const auto& liar : workers_) {
    if (weather_.strikes(Trouble::lie, 4)) liar->lie();
  }
}

void Farm::heal() {
  trace_.say("the world heals");
  // Not of the first, who alone can render anything.
  if (weather_.strikes(Trouble::engine_broken, 2)) {
    trace_.say("but for one engine");
    workers_[1 + weather_.below(workers_.size() - 1)]->hang_from_now_on();
    an_engine_hangs_ = true;
  }
  weather_.calm_down();
  disk_.set_full(false);
  network_->mend();
  for (const auto& worker : workers_) {
    worker->set_disk_full(false);
    worker->wake_up();
    // Who lied may have spoilt the picture by which it was to prove itself: that ends with a start.
    if (worker->hangs() || worker->lies()) worker->kill(false);
  }
}

void Farm::come_to_rest() {
  const Instant healed = time_.now();
  const Instant end = healed + (an_engine_hangs_ ? kHangingMost : kCalmMost);
  while (!is_at_rest() || time_.now() < healed + kCalmLeast) {
    if (time_.now() >= healed + kSettles) audit_.expect_calm(an_engine_hangs_);
    if (time_.now() >= end) {
      audit_.expect_peace();
      throw Broken("hours after the world healed something waits still: " +
                   std::string(studio_->is_answered() ? "a worker holds something"
                                                      : "somebody has no answer"));
    }
    time_.run_until(time_.now() + seconds(2));
    studio_->resume_all();
  }
}

// Whoever is believed to take less than it does waits for ever. One that is to drain and hangs
// takes nothing, and never gets so far as to leave.
void Farm::expect_known_capacities() const {
  for (const auto& [id, row] : coordinator_->state()->workers) {
    for (const auto& worker : workers_) {
      if (worker->name() != row.name || row.state != core::WorkerState::online) continue;
      if (!worker->is_up() || worker->hangs() || row.capacity == worker->capacity()) continue;
      throw Broken(row.name + " takes " + std::to_string(worker->capacity()) +
                   " jobs and is believed to take " + std::to_string(row.capacity));
    }
  }
}

bool Farm::is_at_rest() const {
  if (!coordinator_->is_up() || !studio_->is_answered()) return false;
  for (const auto& [id, batch] : audit_.rows().batches) {
    if (batch.state == core::BatchState::running || batch.sheets_open > 0) return false;
  }
  for (const auto& worker : workers_) {
    if (!worker->has_nothing()) return false;
  }
  return true;
}

}  // namespace

Outcome run_farm(std::uint64_t seed, bool aloud) { return Farm(seed, aloud).run(); }

}  // namespace pirouette::sim
