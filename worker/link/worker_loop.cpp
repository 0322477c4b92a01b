#include "worker/link/worker_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <zmq.hpp>

#include "common/clock.h"
#include "common/log.h"
#include "common/wire/limits.h"
#include "common/wire/sockets.h"
#include "worker/agent/agent.h"
#include "worker/link/blob_client.h"
#include "worker/link/control_link.h"
#include "worker/link/lora_cache.h"
#include "worker/link/lora_fetcher.h"
#include "worker/link/mailbox.h"
#include "worker/link/messages.h"
#include "worker/link/outbox.h"
#include "worker/link/reference_cache.h"
#include "worker/link/renderer.h"

namespace pirouette::link {
namespace {

// The longest wait, so that a second signal (stop after drain) is seen.
constexpr Duration kWaitMax = milliseconds(500);

// One process a folder: the outbox has one writer.
class FolderLock {
 public:
  static Result<FolderLock> take(const std::filesystem::path& folder) {
    std::error_code code;
    std::filesystem::create_directories(folder, code);
    const auto path = folder / "lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
      return Error{Errc::io, "cannot write in " + folder.string() +
                                 "; give the worker a folder of its own with --folder"};
    }
    FolderLock lock(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      return Error{Errc::conflict, "another worker process uses " + folder.string() +
                                       "; give each a folder of its own"};
    }
    return lock;
  }
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

Portrait portrait_of(const WorkerConfig& config, const engine::Engine& engine) {
  return {config.name,     engine.device(), engine.build(),
          engine.models(), engine.loras(),  config.lora_cache_max_bytes,
          config.tags};
}

class WorkerLoop {
 public:
  WorkerLoop(const WorkerConfig& config, const std::optional<wire::WorkerKeys>& keys, Outbox outbox,
             ReferenceCache cache, LoraCache& loras, engine::Engine& engine, const StopFlag& stop)
      : engine_(engine),
        stop_(stop),
        portrait_(portrait_of(config, engine)),
        outbox_(std::move(outbox)),
        cache_(std::move(cache)),
        loras_(loras),
        agent_({.capacity = config.prefetch + 1}, outbox_.results(), monotonic_now()),
        control_(context_, config.control_endpoint, keys),
        blobs_(context_, config.blob_endpoint, keys, cache_, outbox_.pictures(),
               [this](agent::Event event) { mailbox_.post(std::move(event)); }),
        lora_fetcher_(context_, config.blob_endpoint, keys, loras_, outbox_.pictures(),
                      [this](agent::Event event) { mailbox_.post(std::move(event)); }),
        renderer_(engine, cache_, mailbox_) {}

  agent::Leave serve();

 private:
  void run_round();
  void wait();
  void read_mail();
  void read_wishes();
  void step(const agent::Event& event);
  void make_durable();
  void speak();
  std::string residency() const { return loras_.described_in(engine_.residency()); }

  void perform(const agent::FetchReference& task);
  void perform(const agent::FetchLoras& task) { lora_fetcher_.want(task.loras); }
  void perform(agent::StartRender& task) { renderer_.start(task.lease, std::move(task.spec)); }
  void perform(const agent::StopRender& task) { renderer_.stop(task.lease); }
  void perform(const agent::KeepResult& task);
  void perform(const agent::DropPicture& task) { pictures_.erase(task.lease); }
  void perform(const agent::ForgetResult& task) { outbox_.forget(task.lease); }
  void perform(const agent::PutBlob& task) { blobs_.put(task.digest); }

  engine::Engine& engine_;
  const StopFlag& stop_;
  StopFlag::Wish wish_told_ = StopFlag::Wish::none;
  Portrait portrait_;
  Outbox outbox_;
  ReferenceCache cache_;
  LoraCache& loras_;
  agent::Agent agent_;
  std::optional<agent::Leave> leave_;
  std::vector<agent::Say> says_;      // of this round
  std::vector<agent::Event> events_;  // what tasks answered at once
  std::vector<LeaseId> keeping_;      // in the outbox, not synced
  // In the cache when it was last looked up; since then no other came and no rendering failed. Jobs
  // of a sheet follow each other.
  Digest reference_seen_;
  std::map<LeaseId, std::vector<std::uint8_t>> pictures_;  // rendered, not kept

  Mailbox mailbox_;
  zmq::context_t context_;
  ControlLink control_;
  BlobClient blobs_;
  LoraFetcher lora_fetcher_;
  Renderer renderer_;
};

agent::Leave WorkerLoop::serve() {
  step(agent::Ticked{residency()});
  while (!leave_) {
    run_round();
    renderer_.while_idle([this] {
      while (!leave_ && renderer_.is_idle()) run_round();
    });
  }
  renderer_.join();
  read_mail();  // a picture may have been finished in that moment
  make_durable();
  return *leave_;
}

void WorkerLoop::run_round() {
  wait();
  std::vector<agent::Event> events;
  control_.receive(events);
  for (const agent::Event& event : events) step(event);
  read_mail();
  read_wishes();
  if (agent_.wakes_at() <= monotonic_now()) step(agent::Ticked{residency()});
  make_durable();
  speak();
}

// Not zmq::poll, which looks into both sockets again when it wakes.
void WorkerLoop::wait() {
  const Duration most = std::min(kWaitMax, agent_.wakes_at() - monotonic_now());
  pollfd waits[] = {{control_.socket_fd(), POLLIN, 0},
                    {control_.monitor_fd(), POLLIN, 0},
                    {mailbox_.fd(), POLLIN, 0},
                    {stop_.fd(), POLLIN, 0}};
  // Once a wish was told, its descriptor stays readable: no longer wait on it.
  const nfds_t count = wish_told_ == StopFlag::Wish::none ? 4 : 3;
  const auto most_ms = static_cast<int>(std::max<std::int64_t>(0, most.us / 1000));
  PIROUETTE_CHECK(::poll(waits, count, control_.has_news() ? 0 : most_ms) >= 0 || errno == EINTR);
  control_.flush();
}

void WorkerLoop::read_mail() {
  for (Mail& mail : mailbox_.take()) {
    if (const auto* event = std::get_if<agent::Event>(&mail)) {
      // Another one came, and may have taken its place in the cache; or it was damaged and removed.
      if (std::holds_alternative<agent::ReferenceFetched>(*event) ||
          std::holds_alternative<agent::RenderFailed>(*event)) {
        reference_seen_ = {};
      }
      step(*event);
      continue;
    }
    auto& rendered = std::get<Rendered>(mail);
    const Digest digest = sha256(rendered.png);
    std::string metrics = wire::json_object_or_empty(rendered.metrics, wire::kMetricsMaxBytes);
    if (metrics != rendered.metrics) {
      log::warn("worker", "the engine's metrics are no JSON object of at most " +
                              std::to_string(wire::kMetricsMaxBytes) + " bytes: left out");
    }
    pictures_[rendered.lease] = std::move(rendered.png);
    step(agent::RenderFinished{rendered.lease, digest, std::move(metrics)});
  }
}

void WorkerLoop::read_wishes() {
  const StopFlag::Wish wish = stop_.wish();
  if (wish == wish_told_) return;
  wish_told_ = wish;
  log::info("worker", wish == StopFlag::Wish::stop
                          ? "stopping now"
                          : "draining: finishing what is held, taking nothing new");
  if (wish == StopFlag::Wish::stop) return step(agent::StopAsked{});
  step(agent::DrainAsked{});
}

void WorkerLoop::step(const agent::Event& event) {
  if (const auto* welcome = std::get_if<agent::Welcomed>(&event)) {
    log::info("worker", portrait_.name + " is welcome; heartbeat " +
                            std::to_string(welcome->heartbeat.us / 1000) + " ms");
  }
  agent::Actions actions = agent_.step(event, monotonic_now());
  for (agent::Say& say : actions.says) {
    // What stands before a Hello belongs to an older link; the Hello says it all anew.
    if (std::holds_alternative<agent::SayHello>(say)) says_.clear();
    says_.push_back(std::move(say));
  }
  for (agent::Task& task : actions.tasks) {
    std::visit([this](auto& asked) { perform(asked); }, task);
  }
  if (lora_fetcher_.waits()) lora_fetcher_.go_on(agent_.loras_in_use());
  if (actions.leave) leave_ = std::move(actions.leave);
  for (const agent::Event& answered : std::exchange(events_, {})) step(answered);
}

void WorkerLoop::perform(const agent::FetchReference& task) {
  if (task.digest == reference_seen_ || cache_.contains(task.digest)) {
    reference_seen_ = task.digest;
    events_.emplace_back(agent::ReferenceFetched{task.digest});
  } else {
    blobs_.fetch(task.digest);
  }
}

void WorkerLoop::perform(const agent::KeepResult& task) {
  const auto picture = pictures_.find(task.result.lease);
  PIROUETTE_CHECK(picture != pictures_.end());
  const auto kept = outbox_.keep(task.result, task.without_picture ? nullptr : &picture->second);
  if (kept.ok()) {
    keeping_.push_back(task.result.lease);
    return;
  }
  log::error("worker", "cannot keep a finished picture: " + kept.error().what);
  events_.emplace_back(agent::ResultNotKept{task.result.lease, kept.error().what});
}

// One sync for all results of the round.
void WorkerLoop::make_durable() {
  if (!outbox_.needs_sync()) return;
  const auto synced = outbox_.sync();
  if (!synced.ok()) log::error("worker", "cannot keep finished pictures: " + synced.error().what);
  for (const LeaseId lease : std::exchange(keeping_, {})) {
    if (!synced.ok()) {
      step(agent::ResultNotKept{lease, synced.error().what});
      continue;
    }
    pictures_.erase(lease);
    step(agent::ResultKept{lease});
  }
}

void WorkerLoop::speak() {
  wire::WorkerFrame frame;
  std::size_t bytes = 0;
  for (const agent::Say& say : std::exchange(says_, {})) {
    wire::WorkerMessage& message = *frame.add_messages();
    write_message(say, portrait_, message);
    bytes += message.ByteSizeLong();
    if (bytes < wire::kControlFrameFullBytes && frame.messages_size() < wire::kFrameMaxMessages) {
      continue;
    }
    control_.send(frame);
    frame.clear_messages();
    bytes = 0;
  }
  if (frame.messages_size() > 0) control_.send(frame);
}

Result<std::optional<wire::WorkerKeys>> open_keys(const WorkerConfig& config) {
  if (!config.key_file.empty()) {
    return std::optional(TRY(wire::read_worker_keys(config.key_file)));
  }
  for (const std::string& endpoint : {config.control_endpoint, config.blob_endpoint}) {
    if (wire::is_loopback(endpoint)) continue;
    return Error{Errc::invalid, "will not speak unencrypted to " + endpoint +
                                    "; name the key file that the coordinator made (worker.key)"};
  }
  return std::optional<wire::WorkerKeys>();
}

}  // namespace

Result<void> run(const WorkerConfig& config, engine::Engine& engine, const StopFlag& stop) {
  const auto keys = TRY(open_keys(config));
  const FolderLock lock = TRY(FolderLock::take(config.folder));
  Outbox outbox = TRY(Outbox::open(config.folder / "outbox"));
  ReferenceCache cache =
      TRY(ReferenceCache::open(config.folder / "references", config.cache_max_bytes));
  std::optional<FolderLock> lora_lock;
  if (!config.lora_cache.empty()) lora_lock.emplace(TRY(FolderLock::take(config.lora_cache)));
  const auto loras = TRY(LoraCache::open(config.lora_folder(), config.lora_cache_max_bytes));
  if (const auto waiting = outbox.results().size(); waiting > 0) {
    log::info("worker", std::to_string(waiting) + " results of earlier are handed in first");
  }
  try {
    WorkerLoop loop(config, keys, std::move(outbox), std::move(cache), *loras, engine, stop);
    const agent::Leave leave = loop.serve();
    if (leave.turned_away) return Error{Errc::conflict, "the coordinator says: " + leave.why};
    log::info("worker", leave.why);
    return {};
  } catch (const zmq::error_t& error) {
    return wire::zmq_error(
        "cannot reach " + config.control_endpoint + " and " + config.blob_endpoint, error);
  }
}

}  // namespace pirouette::link
