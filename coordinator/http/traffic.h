#pragma once
// How many there are of what the HTTP side bounds, and how often a bound was met: for /metrics and
// the log. Safe from several threads.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace pirouette::http {

enum class Refusal {
  connections,  // kConnectionsMax, or no descriptors
  requests,     // kRequestsWaitingMax
  uploads,      // kUploadsWaitingMax
  streams,      // kStreamsMax
  slow,         // longer than Patience allows, or kStreamStuckMax
  broken,       // no request that can be understood
};
inline constexpr std::string_view kRefusalNames[] = {"connections", "requests", "uploads",
                                                     "streams",     "slow",     "broken"};

class Traffic {
 public:
  std::atomic<std::int64_t> connections{0};  // open, without streams
  std::atomic<std::int64_t> idle{0};         // of those: between two requests
  std::atomic<std::int64_t> requests_waiting{0}, uploads_waiting{0};
  std::atomic<std::int64_t> streams{0};
  // Rows of the ledger that were read for streams, however many viewers there are.
  std::atomic<std::uint64_t> stream_rows_read{0};
  // Viewers that were told to fetch everything again.
  std::atomic<std::uint64_t> streams_told_again{0};

  // Counts, and says so in the log: each kind at most every kRefusalSaidEvery.
  void refuse(Refusal kind, const std::string& why);
  std::uint64_t refused(Refusal kind) const;

 private:
  struct Count {
    std::uint64_t all = 0, said = 0;
    std::chrono::steady_clock::time_point said_at{};
  };
  mutable std::mutex mutex_;
  std::array<Count, std::size(kRefusalNames)> refused_;
};

}  // namespace pirouette::http
