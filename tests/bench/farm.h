#pragma once
// A whole farm in this one process, for measuring: the real coordinator (HTTP, loop, store,
// dispatch, CURVE over loopback) and real workers (agent, link, outbox) over an engine that renders
// nothing. Not real: pictures. Every rendering results in one blob that is stored beforehand, or in
// noise of a set size that goes all the way of a picture; all sheets have the same reference, and
// sheets are put together by a function that does nothing.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/hash.h"
#include "coordinator/runtime/coordinator.h"
#include "coordinator/store/read_model.h"
#include "tests/bench/measure.h"
#include "tests/support/peer.h"

namespace pirouette::bench {

struct FarmConfig {
  std::filesystem::path folder;  // on the disk that is measured
  std::uint32_t workers = 8;     // threads of this process, each with its own sockets and folder
  std::uint32_t prefetch = 1;
  bool plain = false;  // no CURVE
  // Of the picture that each job has of its own, noise: kept in the outbox, put over the blob
  // socket and made durable there before its job is reported as finished. 0: all have the same one,
  // which the coordinator has already.
  std::size_t picture_bytes = 0;
};

class Farm {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Returns once every worker has rendered something, so that connections stand and references are
  // there.
  explicit Farm(const FarmConfig& config);
  ~Farm();

  // One batch over HTTP: so many sheets of so many views, with a prompt of 1 KiB. Returns once the
  // coordinator has answered, so it is durable then: the moment before the POST.
  Time submit(std::size_t sheets, std::size_t views);

  // Every job of every batch is done, durably, and the farm has nothing left to do. Ends the
  // program when nothing moves for a minute. Returns when the last sheet's last job was done.
  Time wait_idle();
  // Ends the program if the database knows of a job that is not done.
  void check_all_done();

  // When an engine was last asked for a rendering; waits until that is after `from`.
  Time wait_rendering(Time from);

 private:
  class Engine;
  class Worker;
  struct Stage;  // what engines and assembly tell the farm

  runtime::AssembleFn no_assembly();
  // In one piece: a client that sends head and body apart wakes the front door twice. Returns the
  // moment before.
  Time post(const std::string& path, const std::string& json);
  void warm_up(std::uint32_t workers);

  Scratch scratch_;
  std::shared_ptr<Stage> stage_;
  Digest reference_, picture_;
  std::unique_ptr<runtime::Coordinator> coordinator_;
  std::unique_ptr<store::ReadModel> read_;
  std::thread loop_;
  std::optional<testing_support::Peer> http_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::uint64_t batches_ = 0;
};

}  // namespace pirouette::bench
