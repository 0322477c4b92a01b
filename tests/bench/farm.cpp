#include "tests/bench/farm.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

#include "common/blobs.h"
#include "tests/bench/running_worker.h"
#include "tests/support/noop_engine.h"

namespace pirouette::bench {
namespace {

using nlohmann::json;

constexpr std::size_t kPromptBytes = 1024;
constexpr std::size_t kMetricsBytes = 200;
constexpr std::chrono::seconds kStuck{60};
constexpr double kWarmUpMaxSeconds = 120;  // 64 workers make their folders on a slow disk

std::string some_metrics() {
  json metrics = {{"engine", "noop"}, {"seconds", 0}};
  const std::size_t used = metrics.dump().size() + sizeof R"(,"notes":"")" - 1;
  metrics["notes"] = std::string(kMetricsBytes - used, 'm');
  return metrics.dump();
}

json recipe_with(std::size_t views) {
  json set = json::array();
  for (std::size_t i = 0; i < views; ++i) {
    const std::string id = "view_" + std::to_string(i);
    set.push_back({{"id", id}, {"azimuth", i}, {"name", id}});
  }
  return {{"pose_set", std::move(set)},
          {"prompt", "{view}, " + std::string(kPromptBytes - 16, 'p')}};
}

std::vector<std::uint8_t> noise(std::size_t bytes) {
  std::mt19937 random;
  std::vector<std::uint8_t> noise(bytes);
  std::ranges::generate(noise, [&] { return static_cast<std::uint8_t>(random()); });
  return noise;
}

int port_of(const std::string& endpoint) {
  return std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

}  // namespace

struct Farm::Stage {
  std::mutex mutex;
  std::condition_variable rendered, all_done;
  std::uint64_t renders = 0;  // all under mutex
  std::uint64_t sheets_done = 0, sheets_wanted = 0;
  Time rendered_at{}, sheet_done_at{};
  std::uint32_t engines_used = 0;
};

// Renders nothing, at once and without steps.
class Farm::Engine : public engine::NoopEngine {
 public:
  // With own_pictures each rendering is another one: the same noise under its number.
  Engine(std::vector<std::uint8_t> picture, bool own_pictures, std::shared_ptr<Stage> stage)
      : NoopEngine(picture),
        picture_(std::move(picture)),
        own_pictures_(own_pictures),
        stage_(std::move(stage)) {}

  engine::RenderOutcome render(const RenderSpec&, const std::vector<std::uint8_t>&,
                               const engine::ProgressFn&) override {
    const Time now = std::chrono::steady_clock::now();
    {
      const std::lock_guard lock(stage_->mutex);
      ++stage_->renders;
      if (own_pictures_) std::memcpy(picture_.data(), &stage_->renders, sizeof stage_->renders);
      stage_->rendered_at = now;
      if (!std::exchange(used_, true)) ++stage_->engines_used;
    }
    stage_->rendered.notify_all();
    return {engine::Rendering{picture_, metrics_}};
  }

 private:
  std::vector<std::uint8_t> picture_;
  const bool own_pictures_;
  const std::string metrics_ = some_metrics();
  std::shared_ptr<Stage> stage_;
  bool used_ = false;
};

class Farm::Worker : public RunningWorker<Engine> {
  using RunningWorker::RunningWorker;
};

Farm::Farm(const FarmConfig& config) : scratch_(config.folder), stage_(std::make_shared<Stage>()) {
  const auto folder = scratch_.path() / "farm";
  Blobs blobs = need(Blobs::open(folder / "blobs"));
  const bool own_pictures = config.picture_bytes > 0;
  PIROUETTE_CHECK(!own_pictures || config.picture_bytes >= sizeof stage_->renders);
  const auto picture = own_pictures ? noise(config.picture_bytes)
                                    : bytes_of("the picture that every rendering results in");
  picture_ = need(blobs.put(picture));
  reference_ = need(blobs.put(bytes_of("the reference of every sheet")));

  coordinator_ = need(runtime::Coordinator::start({.folder = folder,
                                                   .http_port = 0,
                                                   .control = "tcp://127.0.0.1:*",
                                                   .blobs = "tcp://127.0.0.1:*",
                                                   .plain = config.plain,
                                                   .policy = {},
                                                   .assemble = no_assembly()}));
  read_ = need(store::ReadModel::open(folder / "farm.db"));
  loop_ = std::thread([this] { coordinator_->run(); });
  for (std::uint32_t i = 0; i < config.workers; ++i) {
    const std::string name = "worker-" + std::to_string(i);
    workers_.push_back(std::make_unique<Worker>(
        link::WorkerConfig{
            .name = name,
            .control_endpoint = coordinator_->endpoints().control,
            .blob_endpoint = coordinator_->endpoints().blobs,
            .key_file = config.plain ? std::filesystem::path() : folder / "keys" / "worker.key",
            .folder = scratch_.path() / name,
            .prefetch = config.prefetch,
            .lora_cache = {}},
        picture, own_pictures, stage_));
  }
  warm_up(config.workers);
}

Farm::~Farm() {
  workers_.clear();
  coordinator_->stop();
  loop_.join();
}

runtime::AssembleFn Farm::no_assembly() {
  return [this](const core::AssembleSheet& task) -> Result<core::SheetAssembled> {
    {
      const std::lock_guard lock(stage_->mutex);
      stage_->sheet_done_at = std::chrono::steady_clock::now();
      if (++stage_->sheets_done == stage_->sheets_wanted) stage_->all_done.notify_all();
    }
    return core::SheetAssembled{task.sheet, task.version, picture_, picture_, "[]"};
  };
}

// The least loaded worker is served first, so a job each reaches them all; those that are slow to
// connect get one of the next round.
void Farm::warm_up(std::uint32_t workers) {
  const Stopwatch watch;
  const auto all_used = [&] {
    const std::lock_guard lock(stage_->mutex);
    return stage_->engines_used == workers;
  };
  while (workers > 0 && !all_used()) {
    if (watch.seconds() > kWarmUpMaxSeconds) {
      give_up("not every worker came to render within two minutes; is the disk stuck?");
    }
    submit(workers, 1);
    wait_idle();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Farm::Time Farm::submit(std::size_t sheets, std::size_t views) {
  json characters = json::array();
  const std::string reference = to_hex(reference_);
  for (std::size_t i = 0; i < sheets; ++i) {
    characters.push_back({{"character", "c" + std::to_string(i)}, {"reference", reference}});
  }
  const json batch = {
      {"name", "bench"}, {"recipe", recipe_with(views)}, {"sheets", std::move(characters)}};
  {
    const std::lock_guard lock(stage_->mutex);
    stage_->sheets_wanted += sheets;
  }
  const Time posted_at = post("/api/v1/batches", batch.dump());
  ++batches_;
  return posted_at;
}

Farm::Time Farm::post(const std::string& path, const std::string& json) {
  const std::string request = "POST " + path +
                              " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                              "Content-Length: " +
                              std::to_string(json.size()) + "\r\n\r\n" + json;
  // A connection that was used often, or not for long, may be closed.
  for (bool is_new = false;; is_new = true) {
    if (!http_ || is_new) http_.emplace(port_of(coordinator_->endpoints().http));
    const Time posted_at = Time::clock::now();
    const bool sent = http_->send(request);
    const auto answer = http_->read_answer(kStuck);
    if (sent && answer.status == 201) return posted_at;
    if (is_new || answer.status != 0) {
      give_up(path + " took nothing: " + std::to_string(answer.status) + " " + answer.body);
    }
  }
}

Farm::Time Farm::wait_idle() {
  std::unique_lock lock(stage_->mutex);
  const auto all_done = [&] { return stage_->sheets_done == stage_->sheets_wanted; };
  while (!all_done()) {
    const std::uint64_t renders = stage_->renders;
    if (!stage_->all_done.wait_for(lock, kStuck, all_done) && stage_->renders == renders) {
      give_up("nothing moved for a minute with " +
              std::to_string(stage_->sheets_wanted - stage_->sheets_done) + " sheets left");
    }
  }
  const Time done_at = stage_->sheet_done_at;
  lock.unlock();
  // The last sheet is settled in the database, so the next submission meets an idle farm. Not to be
  // asked by counts(), which reads every job there ever was and leaves the processors' caches full
  // of them.
  while (!need(read_->running_batches(1)).empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return done_at;
}

void Farm::check_all_done() {
  const store::Counts counts = need(read_->counts());
  if (counts.done != counts.jobs || counts.batches != batches_) {
    give_up("the database knows of " + std::to_string(counts.done) + " done jobs of " +
            std::to_string(counts.jobs));
  }
}

Farm::Time Farm::wait_rendering(Time from) {
  std::unique_lock lock(stage_->mutex);
  const bool came =
      stage_->rendered.wait_for(lock, kStuck, [&] { return stage_->rendered_at > from; });
  if (!came) give_up("a job was not started within a minute");
  return stage_->rendered_at;
}

}  // namespace pirouette::bench
