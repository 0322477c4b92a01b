// A coordinator with a million jobs behind it, as a process of its own: how long a start takes,
// what memory it needs, and how fast it answers people while workers drain what is open. The
// database is filled beforehand with rows as the core writes them. Real: HTTP, loop, store,
// dispatch, CURVE over loopback, agents and links. Not real: rendering (it takes no time, unless
// --render-ms says so) and putting sheets together.
//
//   bench_stored [--folder build] [--stored-jobs 1000000] [--open-jobs 100000] [--workers 8]

#include <CLI/CLI.hpp>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "common/blobs.h"
#include "common/log.h"
#include "coordinator/runtime/coordinator.h"
#include "coordinator/store/read_model.h"
#include "tests/bench/measure.h"
#include "tests/bench/running_worker.h"
#include "tests/bench/stored_rows.h"
#include "tests/support/noop_engine.h"
#include "tests/support/peer.h"
#include "tests/support/process.h"

namespace pirouette::bench {
namespace {

using testing_support::Peer;

constexpr double kStartMaxSeconds = 120;
// What is wanted.
constexpr double kStartWantedSeconds = 10, kOpenStartWantedSeconds = 2, kAnswerWantedMs = 50;

struct Options {
  std::string folder = ".";
  std::uint64_t stored_jobs = 1'000'000, open_jobs = 100'000;
  std::uint64_t stored_workers = 0;
  std::uint32_t workers = 8, prefetch = 1;
  int render_ms = 0;
  int requests = 200;
  std::string serve;  // the folder of a farm whose coordinator this process is
};

std::string verdict(double measured, double wanted) { return measured < wanted ? "yes" : "NO"; }

void print_row(const std::string& what, const std::string& wanted, const std::string& measured,
               const std::string& reached) {
  std::printf("%-52s %-10s %-44s %s\n", what.c_str(), wanted.c_str(), measured.c_str(),
              reached.c_str());
  std::fflush(stdout);
}

std::string text(const char* format, auto... values) {
  char buffer[160];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

// --- the coordinator's side ----------------------------------------------------------------------

// As pirouette-coordinator's main, but for sheets.
int serve(const Options& options) {
  log::set_level(log::Level::warn);
  const auto no_assembly = [](const core::AssembleSheet& task) -> Result<core::SheetAssembled> {
    const Digest picture = *task.views.front().picture;
    return core::SheetAssembled{task.sheet, task.version, picture, picture, "[]"};
  };
  const auto coordinator = need(runtime::Coordinator::start({.folder = options.serve,
                                                             .http_port = 0,
                                                             .control = "tcp://127.0.0.1:*",
                                                             .blobs = "tcp://127.0.0.1:*",
                                                             .policy = {},
                                                             .assemble = no_assembly}));
  coordinator->stop_on_signals();
  coordinator->run();
  return 0;
}

// That process, seen from here.
class Served {
 public:
  // Returns when it answers.
  explicit Served(const std::filesystem::path& folder) {
    const auto endpoints = folder / "endpoints.json";
    std::filesystem::remove(endpoints);
    const Stopwatch watch;
    process_.emplace(std::vector<std::string>{std::filesystem::read_symlink("/proc/self/exe"),
                                              "--serve", folder},
                     folder / "out", folder / "err");
    while (!answers(endpoints)) {
      if (!process_->running() || watch.seconds() > kStartMaxSeconds) {
        std::fprintf(stderr, "the coordinator did not start: %s\n", process_->err().c_str());
        std::exit(1);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    start_seconds_ = watch.seconds();
  }
  ~Served() {
    process_->signal(SIGTERM);
    process_->wait_for(std::chrono::seconds(30));
  }

  double start_seconds() const { return start_seconds_; }
  int port() const { return port_; }
  const nlohmann::json& endpoints() const { return endpoints_; }
  double peak_mib() const { return process_->memory_mib("VmHWM"); }

 private:
  bool answers(const std::filesystem::path& endpoints) {
    std::ifstream in(endpoints);
    endpoints_ = nlohmann::json::parse(in, nullptr, false);
    if (!endpoints_.is_object()) return false;
    const std::string url = endpoints_["http"];
    port_ = std::stoi(url.substr(url.rfind(':') + 1));
    return Peer(port_).get("/api/v1/health").status == 200;
  }

  std::optional<testing::Process> process_;
  nlohmann::json endpoints_;
  int port_ = 0;
  double start_seconds_ = 0;
};

// --- the workers' side ---------------------------------------------------------------------------

using Worker = RunningWorker<engine::NoopEngine>;

// --- the farm ------------------------------------------------------------------------------------

class StoredFarm {
 public:
  explicit StoredFarm(const Options& options)
      : options_(options), scratch_(options.folder), folder_(scratch_.path() / "farm") {
    std::filesystem::create_directories(folder_);
    Blobs blobs = need(Blobs::open(folder_ / "blobs"));
    reference_ = need(blobs.put(bytes_of("the reference of every sheet")));
    picture_ = need(blobs.put(picture_bytes_));
  }

  void add(std::uint64_t jobs, core::JobState state) {
    auto store = need(store::Store::open(folder_ / "farm.db"));
    core::Worker worker;
    worker.id = {1};
    worker.name = "before";
    need(store->commit(std::vector<core::Write>{core::PutWorker{worker}}));
    fill(*store, jobs_ + 1, jobs, state, reference_, picture_);
    if (state == core::JobState::queued) lease_out(*store, jobs_ + 1, options_.stored_workers);
    jobs_ += jobs;
  }

  void print_start(const std::string& what, double wanted) const {
    const Served served(folder_);
    print_row("start, " + what, text("%.0f s", wanted),
              text("%.2f s, then %.0f MiB", served.start_seconds(), served.peak_mib()),
              verdict(served.start_seconds(), wanted));
  }

  void print_drain() const {
    const Served served(folder_);
    std::vector<std::unique_ptr<Worker>> workers;
    for (std::uint32_t i = 0; i < options_.workers; ++i) {
      const std::string name = "worker-" + std::to_string(i);
      workers.push_back(std::make_unique<Worker>(
          link::WorkerConfig{.name = name,
                             .control_endpoint = served.endpoints()["control"],
                             .blob_endpoint = served.endpoints()["blobs"],
                             .key_file = folder_ / "keys" / "worker.key",
                             .folder = scratch_.path() / name,
                             .prefetch = options_.prefetch,
                             .lora_cache = {}},
          picture_bytes_, std::chrono::milliseconds(options_.render_ms)));
    }
    const auto read = need(store::ReadModel::open(folder_ / "farm.db"));
    const std::uint64_t before = wait_for_first(*read);
    const Stopwatch watch;
    print_answers(served.port());
    const double seconds = watch.seconds();
    const store::Counts after = need(read->counts());
    const bool draining = after.queued > 0;
    print_row("jobs done meanwhile", "",
              text("%.0f/s for %.1f s, %.0f still queued",
                   static_cast<double>(after.done - before) / seconds, seconds,
                   static_cast<double>(after.queued)),
              draining ? "" : "NO: it was over before; ask for more --open-jobs");
    print_row("memory at most", "", text("%.0f MiB", served.peak_mib()), "");
    print_row(
        "database", "",
        text("%.0f MiB",
             static_cast<double>(std::filesystem::file_size(folder_ / "farm.db")) / (1 << 20)),
        "");
  }

 private:
  std::uint64_t wait_for_first(const store::ReadModel& read) const {
    const std::uint64_t before = need(read.counts()).done;
    for (std::uint64_t done = before;; done = need(read.counts()).done) {
      if (done > before + options_.workers) return done;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  // By turns, each over a connection of its own that is kept.
  void print_answers(int port) const {
    const std::string open = std::to_string((jobs_ - 1) / kJobsPerBatch + 1);
    const std::string sheet = std::to_string(jobs_ / kViews);
    const std::vector<std::string> paths = {
        "/api/v1/batches",
        "/api/v1/batches/" + open,
        "/api/v1/batches/" + open + "/sheets",
        "/api/v1/batches/1/sheets",
        "/api/v1/sheets/" + sheet,
        "/api/v1/jobs",
        "/api/v1/jobs?state=queued",
        "/api/v1/jobs?state=leased",
        "/api/v1/jobs?batch=" + open,
        "/api/v1/workers",
        "/api/v1/health",
        "/metrics",
    };
    std::vector<std::vector<double>> ms(paths.size());
    for (int round = 0; round < options_.requests; ++round) {
      for (std::size_t i = 0; i < paths.size(); ++i) {
        const Stopwatch watch;
        const auto answer = Peer(port).get(paths[i]);
        ms[i].push_back(watch.seconds() * 1000);
        if (answer.status == 200) continue;
        std::fprintf(stderr, "GET %s: %s\n", paths[i].c_str(), answer.body.c_str());
        std::exit(1);
      }
    }
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const double p95 = quantile(ms[i], 0.95);
      print_row("GET " + paths[i], "p95 50 ms",
                text("p95 %.1f ms (p50 %.1f, most %.1f)", p95, median(ms[i]), quantile(ms[i], 1)),
                verdict(p95, kAnswerWantedMs));
    }
  }

  const Options options_;
  const Scratch scratch_;
  const std::filesystem::path folder_;
  const std::vector<std::uint8_t> picture_bytes_ =
      bytes_of("the picture that every rendering results in");
  Digest reference_, picture_;
  std::uint64_t jobs_ = 0;
};

int run(const Options& options) {
  log::set_level(log::Level::warn);
  const std::string stored = std::to_string(options.stored_jobs) + " jobs stored";
  std::printf("%u cores, folder %s, %u workers; the database is in the machine's cache of files\n",
              std::thread::hardware_concurrency(), options.folder.c_str(), options.workers);
  print_row("", "wanted", "measured", "reached");
  {
    StoredFarm farm(options);
    farm.add(options.stored_jobs, core::JobState::done);
    farm.print_start(stored + ", all done", kStartWantedSeconds);
    farm.add(options.open_jobs, core::JobState::queued);
    farm.print_start(stored + " and " + std::to_string(options.open_jobs) + " open",
                     kOpenStartWantedSeconds);
    farm.print_drain();
  }
  StoredFarm farm(options);
  farm.add(options.stored_jobs, core::JobState::queued);
  farm.print_start(stored + ", all open", kStartWantedSeconds);
  return 0;
}

}  // namespace
}  // namespace pirouette::bench

int main(int argc, char** argv) {
  pirouette::bench::Options options;
  CLI::App app("A coordinator with many jobs stored: its start, its memory, its answers");
  app.add_option("--folder", options.folder, "on the disk to be measured")->capture_default_str();
  app.add_option("--stored-jobs", options.stored_jobs)->capture_default_str();
  app.add_option("--open-jobs", options.open_jobs)->capture_default_str();
  app.add_option("--stored-workers", options.stored_workers,
                 "online when the coordinator was stopped, each with two of the open jobs")
      ->capture_default_str();
  app.add_option("--workers", options.workers, "that drain the open ones")->capture_default_str();
  app.add_option("--prefetch", options.prefetch, "jobs each has in reserve")->capture_default_str();
  app.add_option("--render-ms", options.render_ms, "what a rendering takes")->capture_default_str();
  app.add_option("--requests", options.requests, "GETs of each kind")->capture_default_str();
  app.add_option("--serve", options.serve)->group("");
  CLI11_PARSE(app, argc, argv);
  return options.serve.empty() ? pirouette::bench::run(options) : pirouette::bench::serve(options);
}
