#pragma once
// What became of every job of a night (night.h), by the rows and messages that the core let out: a
// byte a job, so that a million of them can be followed.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/core/effect.h"
#include "coordinator/core/ledger.h"

namespace pirouette::bench {

class NightAccount {
 public:
  explicit NightAccount(std::size_t jobs) : states_(jobs + 1), acknowledged_(jobs + 1) {}

  void note(const core::Effects& effects, Instant now) {
    for (const core::Write& write : effects.writes) {
      if (const auto* put = std::get_if<core::PutJob>(&write)) note(put->row);
      if (const auto* appended = std::get_if<core::AppendEvent>(&write)) note(appended->row);
    }
    for (const core::Send& send : effects.sends) {
      if (const auto* assign = std::get_if<core::SendAssign>(&send)) {
        ++leases_;
        mix(assign->link.value), mix(assign->lease.value), mix(assign->job.value);
        mix(static_cast<std::uint64_t>(now.us));
      }
      const auto* answer = std::get_if<core::SendAcknowledged>(&send);
      if (answer && !answer->duplicate && ++acknowledged_.at(answer->job.value) > 1) {
        break_with("two pictures were taken", answer->job);
      }
    }
  }

  // Of all that were submitted, once the night is over.
  void close(std::size_t submitted) {
    for (std::size_t job = 1; job <= submitted; ++job) {
      const bool over =
          states_[job] == core::JobState::done || states_[job] == core::JobState::failed;
      if (!over) break_with("it never ended", {job});
      const bool done = states_[job] == core::JobState::done;
      if (done != (acknowledged_[job] == 1)) break_with("done and its picture differ", {job});
    }
  }

  std::size_t ended() const { return done_ + failed_; }
  std::size_t done() const { return done_; }
  std::size_t failed() const { return failed_; }
  std::size_t leases() const { return leases_; }
  std::size_t batches_finished() const { return count(core::ledger::kBatchFinished); }
  std::size_t count(std::string_view kind) const {
    const auto known = events_.find(std::string(kind));
    return known == events_.end() ? 0 : known->second;
  }
  std::uint64_t decisions() const { return decisions_; }
  const std::string& broken() const { return broken_; }
  void break_with(const std::string& why, JobId job) {
    if (broken_.empty()) broken_ = why + ": job " + std::to_string(job.value);
  }

 private:
  void note(const core::Job& job) {
    core::JobState& state = states_.at(job.id.value);
    if (state == core::JobState::done) break_with("a job that was done changed", job.id);
    if (state == core::JobState::failed) --failed_;
    if (job.state == core::JobState::done) ++done_;
    if (job.state == core::JobState::failed) ++failed_;
    state = job.state;
  }
  void note(const core::LedgerRow& row) { ++events_[row.kind]; }
  // FNV-1a, a word at a time.
  void mix(std::uint64_t word) { decisions_ = (decisions_ ^ word) * 0x100000001B3u; }

  std::vector<core::JobState> states_;
  std::vector<std::uint8_t> acknowledged_;
  std::unordered_map<std::string, std::size_t> events_;
  std::size_t done_ = 0, failed_ = 0, leases_ = 0;
  std::uint64_t decisions_ = 0xCBF29CE484222325u;
  std::string broken_;
};

}  // namespace pirouette::bench
