#include "tests/sim/coordinator_process.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "coordinator/core/ledger.h"
#include "coordinator/dispatch/messages.h"

namespace pirouette::sim {

using namespace core;

namespace {

constexpr Duration kStartLeast = milliseconds(500), kStartMost = seconds(10);
constexpr std::uint64_t kStepsBetweenRows = 4, kCommitsBetweenReads = 64;

template <typename T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

std::string words_of(const LedgerRow& row) {
  const auto id = [](const char* what, std::uint64_t value) {
    return value == 0 ? "" : std::string(what) + std::to_string(value & 0xFFFFFFFF);
  };
  return row.kind + id(" batch ", row.batch.value) + id(" sheet ", row.sheet.value) +
         id(" pose ", row.pose.value) + id(" job ", row.job.value) +
         id(" lease ", row.lease.value) + id(" worker ", row.worker.value) +
         (row.detail.empty() ? "" : ": " + row.detail);
}

}  // namespace

CoordinatorProcess::CoordinatorProcess(Parts parts, std::filesystem::path database)
    : parts_(std::move(parts)), database_(std::move(database)) {}

// --- a process begins and ends ---

void CoordinatorProcess::start() {
  ++life_;
  auto opened = store::Store::open(database_);
  auto loaded = opened.ok() ? opened.value()->load() : Result<State>(opened.error());
  if (!loaded.ok()) {
    // A disk that is full or fails; anything else is a database that was not to be spoilt.
    if (loaded.error().code != Errc::io) throw Broken("no start: " + loaded.error().what);
    say("cannot start");
    opened = Error{Errc::io, ""};
    return die(false, "");
  }
  store_ = std::move(opened).value();
  parts_.audit.started(*store_, loaded.value());
  if (parts_.weather.once_in(4)) {
    clock_error_ = parts_.weather.between(seconds(-7200), seconds(7200));
  }
  if (parts_.weather.strikes(Trouble::power_cut, 4)) {
    return die(true, "has read what there is, and may have told of it");
  }
  if (parts_.weather.strikes(Trouble::blob_damaged, 4)) lose_uncounted_blobs();
  core_.emplace(std::move(loaded).value(), Policy{}, now());
  links_.emplace(std::size_t{64});
  unreadable_.clear();
  say("starts");
  parts_.network.listen(true);
  tick(life_);
}

void CoordinatorProcess::end() { die(false, "is stopped"); }

void CoordinatorProcess::crash(bool power_cut) {
  if (is_up()) die(power_cut, "is killed");
}

// From here on nothing of it is left but what is on the disk.
void CoordinatorProcess::die(bool power_cut, const std::string& why) {
  if (!why.empty()) say(why + (power_cut ? ", and the power is cut" : ""));
  parts_.network.listen(false);
  ++life_;
  core_.reset();
  links_.reset();
  waiting_.clear();
  woken_ = false;
  doom_ = Doom::none;
  suspended_until_ = {};
  if (why != "is stopped")
    parts_.disk.fail_at(1, DiskFault::kill);  // so that closing changes nothing
  store_.reset();
  if (power_cut) {
    parts_.disk.cut_power(parts_.weather.rng());
  } else {
    parts_.disk.restart_process();
  }
  parts_.time.after(parts_.weather.between(kStartLeast, kStartMost), [this, life = life_] {
    if (life == life_) start();
  });
}

void CoordinatorProcess::suspend(Duration length) {
  if (!is_up()) return;
  say("is suspended");
  suspended_until_ = parts_.time.now() + length;
}

void CoordinatorProcess::inspect() {
  end();
  ++life_;
  start();
  if (!store_) throw Broken("the database cannot be opened when all is over");
}

// --- a round ---

bool CoordinatorProcess::ask(Event event) {
  if (!is_up()) return false;
  post(std::move(event));
  return true;
}

void CoordinatorProcess::post(Event event) {
  waiting_.push_back(std::move(event));
  wake();
}

void CoordinatorProcess::wake() {
  if (std::exchange(woken_, true)) return;
  const Instant when = std::max(parts_.time.now() + parts_.weather.between({200}, milliseconds(2)),
                                suspended_until_);
  parts_.time.at(when, [this, life = life_] {
    if (life != life_) return;
    woken_ = false;
    // It was stopped after it had been woken.
    if (parts_.time.now() < suspended_until_) return wake();
    try {
      handle_waiting();
    } catch (const Died&) {
    }
  });
}

void CoordinatorProcess::tick(std::uint64_t life) {
  if (life != life_) return;
  if (parts_.time.now() >= suspended_until_) post(Ticked{});
  parts_.time.after(Policy{}.tick, [this, life] { tick(life); });
}

// As Loop::Impl::handle_waiting.
void CoordinatorProcess::handle_waiting() {
  choose_doom();
  Effects round;
  for (const Event& event : std::exchange(waiting_, {})) {
    step(event, round);
    for (const Recall& wanted : std::exchange(round.recalls, {})) {
      let_out(std::exchange(round, {}));
      step(BatchRecalled{store_->recall(wanted), wanted.then}, round);
    }
  }
  let_out(std::move(round));
}

void CoordinatorProcess::choose_doom() {
  Weather& weather = parts_.weather;
  doom_ = Doom::none;
  if (weather.strikes(Trouble::killed_before_commit, 60)) doom_ = Doom::before_commit;
  if (weather.strikes(Trouble::killed_in_commit, 40)) doom_ = Doom::in_commit;
  if (weather.strikes(Trouble::killed_after_commit, 60)) doom_ = Doom::after_commit;
  if (weather.strikes(Trouble::killed_while_sending, 60)) doom_ = Doom::while_sending;
  power_too_ = doom_ != Doom::none && weather.strikes(Trouble::power_cut, 1);
}

void CoordinatorProcess::step(const Event& event, Effects& round) {
  Effects effects = core_->step(event, now());
  parts_.audit.stepped(*core_, event, effects);
  ++steps_;
  append(round.writes, std::move(effects.writes));
  append(round.sends, std::move(effects.sends));
  append(round.replies, std::move(effects.replies));
  append(round.tasks, std::move(effects.tasks));
  append(round.recalls, std::move(effects.recalls));
}

// As Loop::Impl::let_out: commit before send.
void CoordinatorProcess::let_out(Effects round) {
  if (!round.writes.empty()) commit(round.writes);
  send(round.sends);
  for (const Reply& reply : round.replies) parts_.reply(reply);
  for (const AssembleSheet& task : round.tasks) assemble(task);
}

void CoordinatorProcess::commit(const std::vector<Write>& writes) {
  const auto dies = [&](const std::string& why) {
    die(power_too_, why);
    throw Died{};
  };
  if (doom_ == Doom::before_commit) dies("dies before its commit");
  parts_.audit.committing(writes);
  Weather& weather = parts_.weather;
  if (doom_ == Doom::in_commit) {
    const DiskFault how = power_too_ ? DiskFault::power : DiskFault::kill;
    if (weather.once_in(4)) {
      parts_.disk.fail_at_sync(how);  // all is written, and nothing is sure
    } else {
      parts_.disk.fail_at(1 + weather.below(12), how);
    }
  } else if (weather.strikes(Trouble::disk_error, 200)) {
    parts_.disk.fail_at(1 + weather.below(8), DiskFault::io);
  } else if (weather.strikes(Trouble::out_of_memory, 200)) {
    parts_.disk.fail_at(1 + weather.below(8), DiskFault::memory);
  }
  const Result<void> result = store_->commit(writes);
  if (!result.ok()) dies("dies in its commit");
  parts_.audit.committed();
  parts_.disk.fail_at(0, DiskFault::power);
  for (const Write& write : writes) {
    if (const auto* event = std::get_if<AppendEvent>(&write)) {
      parts_.trace.say("farm " + words_of(event->row));
    }
  }
  if (steps_ % kStepsBetweenRows == 0) parts_.audit.compare(*core_);
  if (++commits_ % kCommitsBetweenReads == 0) parts_.audit.compare(*store_);
  if (doom_ == Doom::in_commit || doom_ == Doom::after_commit) dies("dies after its commit");
}

void CoordinatorProcess::send(const std::vector<Send>& sends) {
  std::map<LinkId, std::vector<const Send*>> by_link;
  for (const Send& send : sends) by_link[dispatch::link_of(send)].push_back(&send);
  std::size_t left =
      doom_ == Doom::while_sending ? parts_.weather.below(by_link.size() + 1) : by_link.size();
  for (const auto& [link, theirs] : by_link) {
    if (left-- == 0) break;
    send_to(link, theirs);
  }
  if (doom_ != Doom::while_sending) return;
  die(power_too_, "dies while it sends");
  throw Died{};
}

void CoordinatorProcess::assemble(const AssembleSheet& task) {
  Weather& weather = parts_.weather;
  Event event = SheetAssembled{task.sheet, task.version, sha256("sheet " + task.character),
                               sha256("thumbnail " + task.character), "[]"};
  for (const PlannedView& view : task.views) {
    if (view.picture && !has_blob(*view.picture)) {
      throw Broken("sheet " + std::to_string(task.sheet.value) + " lacks a picture that counts");
    }
  }
  if (weather.strikes(Trouble::assembly_failed, 3)) {
    const Errc code = weather.once_in(2) ? Errc::io : Errc::busy;
    event = SheetAssemblyFailed{task.sheet, task.version, {code, "trouble"}};
  }
  const Duration length = weather.between(milliseconds(100), seconds(3));
  parts_.time.after(length, [this, life = life_, event = std::move(event)] {
    if (life == life_) post(event);
  });
}

// What was put and is no job's result yet.
void CoordinatorProcess::lose_uncounted_blobs() {
  std::set<Digest> counted;
  for (const auto& [id, job] : parts_.audit.rows().jobs) {
    if (job.state == JobState::done) counted.insert(job.result);
  }
  if (std::erase_if(blobs_, [&](const Digest& blob) { return !counted.contains(blob); }) > 0) {
    say("has lost pictures that count for nothing yet");
  }
}

bool CoordinatorProcess::put_blob(const Digest& digest) {
  if (!is_up() || parts_.time.now() < suspended_until_ || parts_.disk.is_full()) return false;
  blobs_.insert(digest);
  return true;
}

}  // namespace pirouette::sim
