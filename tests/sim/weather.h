#pragma once
// How hard a seed's night is. Each kind of trouble is, by the seed, absent, rare or frequent: a run
// with every fault at once never gets far enough to meet the subtle ones. Once the world heals, no
// trouble happens any more.

#include <array>
#include <cstdint>
#include <string_view>

#include "common/rng.h"
#include "common/time.h"

namespace pirouette::sim {

enum class Trouble : std::uint8_t {
  // of the network
  frame_lost,
  frame_doubled,
  frame_overtakes,
  frame_late,
  connection_broken,
  one_way_cut,
  partition,
  // of the coordinator
  killed_before_commit,
  killed_in_commit,
  killed_after_commit,
  killed_while_sending,
  killed,
  suspended,
  disk_full,
  disk_error,
  out_of_memory,
  power_cut,  // of those that kill it: how often the machine goes too
  reply_lost,
  assembly_failed,
  blob_damaged,
  // of a worker
  worker_killed,
  worker_stopped,
  worker_suspended,
  worker_disk_full,
  picture_lost,
  render_failed,
  render_hangs,
  engine_broken,
  render_slow,
  reference_failed,
  lie,
  count
};

std::string_view name(Trouble trouble);

class Weather {
 public:
  static constexpr std::size_t kKinds = static_cast<std::size_t>(Trouble::count);

  explicit Weather(std::uint64_t seed) : rng_(seed) {
    for (std::uint64_t& rate : rates_) {
      const std::uint64_t kind = rng_.below(5);
      rate = kind < 2 ? 0 : kind < 4 ? 8 : 1;
    }
  }

  // Once in about n times where it is frequent; once in 8 n where it is rare.
  bool strikes(Trouble trouble, std::uint64_t n) {
    const std::uint64_t rate = rates_[static_cast<std::size_t>(trouble)];
    if (calm_ || rate == 0 || rng_.below(n * rate) != 0) return false;
    ++struck_[static_cast<std::size_t>(trouble)];
    return true;
  }
  bool once_in(std::uint64_t n) { return rng_.below(n) == 0; }
  std::uint64_t below(std::uint64_t n) { return rng_.below(n); }
  Duration between(Duration least, Duration most) {
    const auto span = static_cast<std::uint64_t>(most.us - least.us + 1);
    return {least.us + static_cast<std::int64_t>(rng_.below(span))};
  }

  void calm_down() { calm_ = true; }
  bool is_calm() const { return calm_; }
  Rng& rng() { return rng_; }
  std::uint64_t struck(Trouble trouble) const { return struck_[static_cast<std::size_t>(trouble)]; }

 private:
  Rng rng_;
  std::array<std::uint64_t, kKinds> rates_{}, struck_{};
  bool calm_ = false;
};

}  // namespace pirouette::sim
