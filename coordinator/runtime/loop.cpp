#include "coordinator/runtime/loop.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <iterator>
#include <mutex>
#include <utility>  // before Asio: Debian's 1.74 forgets it

#include "common/log.h"
#include "coordinator/core/ledger.h"
#include "coordinator/runtime/clock.h"

namespace pirouette::runtime {
namespace {

// Events of one round follow each other faster, those of a farm that is busy too.
constexpr std::chrono::milliseconds kRestAfter{1};

template <typename T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  if (to.empty()) {
    to = std::move(from);
    return;
  }
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

std::vector<core::Event> alone(core::Event&& event) {
  std::vector<core::Event> events;
  events.push_back(std::move(event));
  return events;
}

[[noreturn]] void end_process(const std::string& why) {
  log::error("loop", why +
                         "; stopping now so that nothing is told that is not stored. "
                         "Mend the cause and start again: workers keep their results");
  std::_Exit(70);  // EX_SOFTWARE
}

// What somebody who reads the log in the morning wants to know; the ledger has the rest.
void log_for_admins(const core::LedgerRow& row) {
  const bool is_trouble =
      row.kind == core::ledger::kFarmStopped || row.kind == core::ledger::kWorkerQuarantined ||
      row.kind == core::ledger::kBatchAtRisk || row.kind == core::ledger::kWorkerLost ||
      row.kind == core::ledger::kWorkerCapacity || row.kind == core::ledger::kJobFailed ||
      row.kind == core::ledger::kSheetAssemblyFailed;
  const bool is_news =
      row.kind == core::ledger::kFarmResumed || row.kind == core::ledger::kWorkerReleased ||
      row.kind == core::ledger::kBatchOnTime || row.kind == core::ledger::kWorkerJoined ||
      row.kind == core::ledger::kWorkerLeft || row.kind == core::ledger::kBatchSubmitted ||
      row.kind == core::ledger::kBatchFinished;
  if (!is_trouble && !is_news) return;
  std::string text = row.kind;
  const auto name = [&](const char* what, std::uint64_t id) {
    if (id != 0) text += std::string(" ") + what + " " + std::to_string(id);
  };
  name("batch", row.batch.value);
  name("sheet", row.sheet.value);
  name("job", row.job.value);
  name("worker", row.worker.value);
  if (!row.detail.empty()) text += ": " + row.detail;
  is_trouble ? log::warn("farm", text) : log::info("farm", text);
}

}  // namespace

class Loop::Impl {
 public:
  Impl(core::State state, core::Policy policy, Outlets outlets)
      : outlets_(std::move(outlets)),
        tick_(policy.tick),
        timer_(io_),
        pause_(io_),
        signals_(io_),
        core_(std::move(state), policy, clock_.now()) {}

  void post(std::vector<core::Event>&& events) {
    if (add(std::move(events))) wake();
  }

  void bring(std::vector<core::Event>&& events) {
    if (!add(std::move(events))) return;
    const std::unique_lock round(round_mutex_, std::try_to_lock);
    if (!round || !is_open_ || io_.stopped()) return wake();
    handle_waiting();
  }

  void stop_on_signals() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) io_.stop();
    });
  }

  void run() {
    open(true);
    tick();
    io_.run();
    open(false);  // waits for the last round
  }

  void stop() { io_.stop(); }

 private:
  void tick() {
    post({core::Ticked{}});
    timer_.expires_after(std::chrono::microseconds(tick_.us));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) tick();
    });
  }

  void open(bool is_open) {
    const std::lock_guard round(round_mutex_);
    is_open_ = is_open;
  }

  // Whether nothing waited: then whoever adds sees to the next round.
  bool add(std::vector<core::Event>&& events) {
    const std::lock_guard lock(mutex_);
    const bool was_empty = waiting_.empty();
    append(waiting_, std::move(events));
    return was_empty;
  }

  void wake() {
    boost::asio::post(io_, [this] { take_turn(); });
  }

  // On the loop's thread. Others may have handled by now what it was woken for.
  void take_turn() {
    bool has_committed = false;
    {
      const std::lock_guard round(round_mutex_);
      handle_waiting();
      has_committed = std::exchange(has_committed_, false);
    }
    if (has_committed) rest_later();
  }

  // An exception must not reach whoever brought an event: memory is ahead of the disk then.
  void handle_waiting() {
    try {
      run_round();
    } catch (const std::exception& error) {
      end_process(std::string("a round failed: ") + error.what());
    }
  }

  void run_round() {
    {
      const std::lock_guard lock(mutex_);
      events_.swap(waiting_);
    }
    for (const core::Event& event : events_) {
      step(event);
      // What a recall reads must hold all that was decided before it.
      for (const core::Recall& wanted : std::exchange(round_.recalls, {})) {
        let_out();
        step(core::BatchRecalled{outlets_.recall(wanted), wanted.then});
      }
      if (round_.writes.size() >= kRoundMaxWrites) let_out();
    }
    events_.clear();
    let_out();
  }

  void step(const core::Event& event) { core_.step(event, clock_.now(), round_); }

  // Law 2: commit before send.
  void let_out() {
    if (!round_.writes.empty()) {
      const Result<void> committed = outlets_.commit(round_.writes);
      if (!committed.ok()) end_process(committed.error().what);
    }
    if (!round_.sends.empty()) outlets_.send(std::exchange(round_.sends, {}));
    for (core::Reply& reply : round_.replies) outlets_.answer(std::move(reply));
    for (core::AssembleSheet& task : round_.tasks) outlets_.assemble(std::move(task));
    if (!round_.progress.empty()) outlets_.progressed(std::exchange(round_.progress, {}));
    EventId newest;
    for (const core::Write& write : round_.writes) {
      const auto* appended = std::get_if<core::AppendEvent>(&write);
      if (!appended) continue;
      newest = appended->row.id;
      log_for_admins(appended->row);
    }
    if (newest) outlets_.published(newest);
    has_committed_ = has_committed_ || !round_.writes.empty();
    clear_round();
  }

  // Whoever runs a round and is not the loop's thread leaves this to the loop's next turn, after a
  // tick at the latest: to wake it for that alone would cost what was saved.
  void rest_later() {
    pause_.expires_after(kRestAfter);
    pause_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      const std::lock_guard round(round_mutex_);
      if (std::exchange(has_committed_, false)) return rest_later();
      outlets_.rest();
    });
  }

  // Its rows' memory is kept for the next one, but not that of a batch of tens of thousands.
  void clear_round() {
    round_.writes.clear();
    if (round_.writes.capacity() > 4 * kRoundMaxWrites) round_.writes.shrink_to_fit();
    round_.replies.clear();
    round_.tasks.clear();
  }

  const Outlets outlets_;
  const Duration tick_;
  const LoopClock clock_;
  boost::asio::io_context io_;
  boost::asio::steady_timer timer_, pause_;  // the loop's thread's
  boost::asio::signal_set signals_;
  std::mutex mutex_;
  std::vector<core::Event> waiting_;  // under mutex_

  // Held by who runs a round; what follows is under it. Taken before mutex_.
  std::mutex round_mutex_;
  bool is_open_ = false;        // run() runs
  bool has_committed_ = false;  // since the loop's last turn
  core::Core core_;
  std::vector<core::Event> events_;
  core::Effects round_;
};

Loop::Loop(core::State state, core::Policy policy, Outlets outlets)
    : impl_(std::make_unique<Impl>(std::move(state), policy, std::move(outlets))) {}
Loop::~Loop() = default;
void Loop::post(core::Event event) { impl_->post(alone(std::move(event))); }
void Loop::post(std::vector<core::Event>&& events) {
  if (!events.empty()) impl_->post(std::move(events));
}
void Loop::bring(core::Event event) { impl_->bring(alone(std::move(event))); }
void Loop::stop_on_signals() { impl_->stop_on_signals(); }
void Loop::run() { impl_->run(); }
void Loop::stop() { impl_->stop(); }

}  // namespace pirouette::runtime
