#pragma once
// A small farm on loopback for tests: a real Dispatch with a core that is a few lines long, and
// real workers over the no-op engine, each on its own thread and in its own folder.

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/blobs.h"
#include "common/hash.h"
#include "coordinator/dispatch/dispatch.h"
#include "tests/support/folder.h"
#include "tests/support/noop_engine.h"
#include "worker/link/worker_loop.h"

namespace pirouette::test {

namespace fs = std::filesystem;

// In memory where there is such a folder: these tests are not about the disk's speed.
class Folder : public TestFolder {
 public:
  Folder()
      : TestFolder(fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) {}
};

inline std::vector<std::uint8_t> some_bytes(std::size_t size, std::uint32_t seed = 1) {
  std::minstd_rand random(seed);
  std::vector<std::uint8_t> bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

inline RenderSpec some_spec(const Digest& reference, std::uint64_t seed = 1) {
  RenderSpec spec;
  spec.model = "flux1-kontext-dev";
  spec.loras = {{"kontext-turnaround", 1.0, "create turnaround sheet of this character"}};
  spec.prompt = "a knight, front view";
  spec.reference = reference;
  spec.reference_size = "auto";
  spec.width = 832;
  spec.height = 1248;
  spec.steps = 24;
  spec.guidance = 2.5;
  spec.seed = seed;
  return spec;
}

// Welcomes everyone, hands out the jobs it was given, acknowledges what is stored and asks for what
// is not. Remembers all that happened.
class EchoCore {
 public:
  explicit EchoCore(Duration heartbeat = milliseconds(100)) : heartbeat_(heartbeat) {}

  void connect(dispatch::Dispatch* dispatch) {
    const std::lock_guard lock(mutex_);
    dispatch_ = dispatch;
  }

  void add_job(std::uint64_t job, const RenderSpec& spec) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({job, spec});
    std::vector<core::Send> sends;
    hand_out(sends);
    if (dispatch_ && !sends.empty()) dispatch_->send(std::move(sends));
  }

  void take(std::vector<core::Event>&& events) {
    const std::lock_guard lock(mutex_);
    std::vector<core::Send> sends;
    for (core::Event& event : events) answer(event, sends);
    hand_out(sends);
    for (core::Event& event : events) seen_.push_back(std::move(event));
    if (dispatch_ && !sends.empty()) dispatch_->send(std::move(sends));
    changed_.notify_all();
  }

  // Whether it came true in time.
  bool wait_until(const std::function<bool(EchoCore&)>& condition,
                  std::chrono::milliseconds most = std::chrono::milliseconds(1500)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, [&] { return condition(*this); });
  }

  template <typename Kind>
  std::vector<Kind> all() const {  // with the lock held: inside wait_until
    std::vector<Kind> found;
    for (const core::Event& event : seen_) {
      if (const auto* kind = std::get_if<Kind>(&event)) found.push_back(*kind);
    }
    return found;
  }

  void send(core::Send send) {
    const std::lock_guard lock(mutex_);
    std::vector<core::Send> sends;
    sends.push_back(std::move(send));
    dispatch_->send(std::move(sends));
  }

  // A job failed, and its worker has room for another.
  void free_one() {
    const std::lock_guard lock(mutex_);
    ++free_.begin()->second;
  }

  std::set<std::uint64_t> done;  // jobs; read inside wait_until
  std::atomic<bool> acknowledges{true};
  LinkId newest_link;

 private:
  struct Waiting {
    std::uint64_t job;
    RenderSpec spec;
  };

  void answer(const core::Event& event, std::vector<core::Send>& sends) {
    if (const auto* hello = std::get_if<core::WorkerSaidHello>(&event)) {
      newest_link = hello->link;
      free_[hello->link] = hello->capacity - static_cast<std::uint32_t>(hello->held.size());
      sends.push_back(core::SendWelcome{hello->link, {1}, heartbeat_, heartbeat_ * 8});
    } else if (const auto* finished = std::get_if<core::LeaseFinished>(&event)) {
      if (!finished->result_stored) {
        sends.push_back(core::SendResultWanted{finished->link, finished->lease, finished->job,
                                               finished->result});
        return;
      }
      if (!acknowledges) return;
      const bool duplicate = !done.insert(finished->job.value).second;
      sends.push_back(
          core::SendAcknowledged{finished->link, finished->lease, finished->job, duplicate});
      ++free_[finished->link];
    } else if (const auto* goodbye = std::get_if<core::WorkerSaidGoodbye>(&event)) {
      free_.erase(goodbye->link);
    }
  }

  void hand_out(std::vector<core::Send>& sends) {
    for (auto& [link, free] : free_) {
      for (; free > 0 && !jobs_.empty(); --free) {
        sends.push_back(
            core::SendAssign{link, {next_lease_++}, {jobs_.front().job}, 1, jobs_.front().spec});
        jobs_.pop_front();
      }
    }
  }

  Duration heartbeat_;
  std::mutex mutex_;
  std::condition_variable changed_;
  dispatch::Dispatch* dispatch_ = nullptr;
  std::deque<Waiting> jobs_;
  std::map<LinkId, std::uint32_t> free_;
  std::uint64_t next_lease_ = 1;
  std::vector<core::Event> seen_;
};

// A Dispatch with its blobs and its core; it can be stopped and started again on the same ports.
class Coordinator {
 public:
  explicit Coordinator(bool plain = true) : blobs_(Blobs::open(folder_.path() / "blobs").value()) {
    config_.plain = plain;
    config_.keys = folder_.path() / "keys";
    config_.control_endpoint = "tcp://127.0.0.1:*";
    config_.blob_endpoint = "tcp://127.0.0.1:*";
    start();
    config_.control_endpoint = dispatch_->endpoints().control;
    config_.blob_endpoint = dispatch_->endpoints().blob;
  }
  ~Coordinator() { stop(); }

  void start() {
    dispatch_ =
        dispatch::Dispatch::start(config_, blobs_, [this](std::vector<core::Event>&& events) {
          core.take(std::move(events));
        }).value();
    core.connect(dispatch_.get());
  }
  void stop() {
    core.connect(nullptr);
    dispatch_.reset();
  }

  dispatch::Dispatch& dispatch() { return *dispatch_; }
  const dispatch::Config& config() const { return config_; }
  Blobs& blobs() { return blobs_; }
  fs::path worker_key() const { return config_.plain ? fs::path() : config_.keys / "worker.key"; }

  EchoCore core;

 private:
  Folder folder_;
  Blobs blobs_;
  dispatch::Config config_;
  std::unique_ptr<dispatch::Dispatch> dispatch_;
};

// A worker on its own thread.
class Worker {
 public:
  Worker(const Coordinator& coordinator, const fs::path& folder, engine::Engine& engine,
         fs::path key_file, std::uint32_t prefetch = 1, std::string name = "anna",
         std::uint64_t lora_cache_max_bytes = 1ull << 30) {
    config_.name = std::move(name);
    config_.control_endpoint = coordinator.config().control_endpoint;
    config_.blob_endpoint = coordinator.config().blob_endpoint;
    config_.key_file = std::move(key_file);
    config_.folder = folder;
    config_.prefetch = prefetch;
    config_.lora_cache_max_bytes = lora_cache_max_bytes;
    thread_ = std::thread([this, &engine] { outcome_ = link::run(config_, engine, flag_); });
  }
  ~Worker() {
    flag_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> stop() {
    flag_.stop();
    return join();
  }
  Result<void> drain() {
    flag_.drain();
    return join();
  }
  Result<void> join() {
    thread_.join();
    return outcome_;
  }

 private:
  link::WorkerConfig config_;
  link::StopFlag flag_;
  Result<void> outcome_;
  std::thread thread_;
};

}  // namespace pirouette::test
