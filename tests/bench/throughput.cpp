// How many jobs a second the whole farm takes in and gets done, and how long an idle one takes to
// start one: real HTTP, CURVE and TCP over loopback, a database and outboxes on a real disk,
// workers whose engine renders nothing (farm.h says what is not real). Beside each number stands
// what the machine itself could do just then: a shared disk's syncs vary tenfold within an hour, so
// compare ratios, or a run in memory (--folder /dev/shm), which shows what the processors allow.
//
//   bench_throughput [--folder .] [--workers 8,64] [--jobs 12000] [--prefetch 15] [--plain]
//                    [--runs 3] [--submissions 300] [--only drain]

#include <sys/resource.h>
#include <sys/vfs.h>

#include <CLI/CLI.hpp>

#include "common/log.h"
#include "tests/bench/farm.h"
#include "tests/bench/floors.h"
#include "tests/bench/syncs.h"

namespace pirouette::bench {
namespace {

constexpr std::size_t kViews = 6;
constexpr double kFloorSeconds = 1;
// Between two single submissions, so that nothing of the first is still on its way.
constexpr std::chrono::milliseconds kRest{2};
constexpr std::uint32_t kLatencyWorkers = 8;

struct Options {
  std::string folder = ".";
  std::vector<std::uint32_t> workers = {8, 64};
  std::size_t jobs = 12'000;
  std::uint32_t prefetch = 15;
  bool plain = false;
  int runs = 3;
  int submissions = 300;
  std::string only;
};

// Seconds of processor time of all this program's threads.
double processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 10 ? "%.2f" : "%.0f", value);
  return text;
}

std::string per_second(const std::vector<double>& rates) {
  return number(median(rates)) + "/s (" + number(quantile(rates, 0)) + " to " +
         number(quantile(rates, 1)) + ")";
}

void print_row(const std::string& what, const std::string& measured, const std::string& beside) {
  std::printf("%-38s %-30s %s\n", what.c_str(), measured.c_str(), beside.c_str());
  std::fflush(stdout);
}

template <typename Measure>
std::vector<double> measure_runs(int runs, Measure measure) {
  std::vector<double> values;
  for (int run = 0; run < runs; ++run) values.push_back(measure());
  return values;
}

// --- floors --------------------------------------------------------------------------------------

struct Floors {
  double syncs = 0, changes = 0;
};

Floors print_floors(const Options& options) {
  const auto syncs =
      measure_runs(options.runs, [&] { return syncs_per_second(options.folder, kFloorSeconds); });
  print_row("floor: syncs of 4 KiB", per_second(syncs), "");
  std::vector<double> changes;
  for (const int rows : {100, 300}) {
    changes = measure_runs(options.runs,
                           [&] { return changes_per_second(options.folder, rows, kFloorSeconds); });
    print_row("floor: SQLite, " + std::to_string(rows) + " changes a commit", per_second(changes),
              "");
  }
  const auto trips =
      measure_runs(options.runs, [] { return round_trips_per_second(kFloorSeconds); });
  print_row("floor: ZeroMQ round trips, 64 at a time", per_second(trips), "");
  return {median(syncs), median(changes)};
}

// --- rows ----------------------------------------------------------------------------------------

FarmConfig farm_config(const Options& options, std::uint32_t workers, std::uint32_t prefetch) {
  return {options.folder, workers, prefetch, options.plain};
}

// Batches over HTTP into a farm without workers.
void print_submit(const Options& options) {
  Farm farm(farm_config(options, 0, options.prefetch));
  const std::size_t sheets = std::max<std::size_t>(1, options.jobs / kViews);
  const auto rates = measure_runs(options.runs, [&] {
    const Stopwatch watch;
    farm.submit(sheets, kViews);
    return static_cast<double>(sheets * kViews) / watch.seconds();
  });
  print_row("submit, " + std::to_string(sheets) + " sheets a batch", per_second(rates),
            "Redis 120,000; PostgreSQL 45,000");
}

struct Drained {
  std::size_t jobs = 0;
  double rate = 0;          // jobs a second
  double processor_us = 0;  // a job, all threads of farm and workers together
  Syncs syncs;
};

// From the answer to the submission to when the last job was durably done.
Drained drain(const Options& options, std::uint32_t workers) {
  Farm farm(farm_config(options, workers, options.prefetch));
  const std::size_t sheets = std::max<std::size_t>(1, options.jobs / kViews);
  farm.submit(sheets, kViews);
  const auto start = std::chrono::steady_clock::now();
  const double processor = processor_seconds();
  const Syncs syncs = syncs_so_far();
  const auto end = farm.wait_idle();
  const std::size_t count = sheets * kViews;
  const auto jobs = static_cast<double>(count);
  return {count, jobs / std::chrono::duration<double>(end - start).count(),
          (processor_seconds() - processor) / jobs * 1e6, syncs_so_far() - syncs};
}

void print_drain(const Options& options, std::uint32_t workers, const Floors& floors) {
  std::vector<double> rates, processor_us;
  std::vector<double> syncs, by_database, by_outboxes, by_others;  // a job
  for (int run = 0; run < options.runs; ++run) {
    const Drained drained = drain(options, workers);
    const auto a_job = [&](std::uint64_t count) {
      return static_cast<double>(count) / static_cast<double>(drained.jobs);
    };
    rates.push_back(drained.rate);
    processor_us.push_back(drained.processor_us);
    syncs.push_back(a_job(drained.syncs.all()));
    by_database.push_back(a_job(drained.syncs.database));
    by_outboxes.push_back(a_job(drained.syncs.outbox));
    by_others.push_back(a_job(drained.syncs.others));
  }
  const std::string peers =
      workers <= 16
          ? "Redis AOF always 9,500; PostgreSQL 3,800; beanstalkd fsync 2,600; Celery 500; Slurm 9"
          : "Redis 25,800; PostgreSQL 3,800; beanstalkd 2,600";
  print_row("drain, " + std::to_string(workers) + " workers", per_second(rates), peers);
  const auto thousandths = [](const std::vector<double>& values) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", median(values));
    return std::string(text);
  };
  print_row("  jobs a bare sync, a bare change",
            number(median(rates) / floors.syncs) + ", " + number(median(rates) / floors.changes),
            "of this run's floors (changes: the last)");
  print_row("  syncs a job", thousandths(syncs),
            "database " + thousandths(by_database) + ", outboxes " + thousandths(by_outboxes) +
                ", others " + thousandths(by_others));
  print_row("  processor time a job", number(median(processor_us)) + " us",
            "farm and workers, all threads");
}

// One job at a time into a farm that has nothing to do: from before the POST to the engine's call.
// The farm has done a night's share before, so that its write-ahead log has gone round once: a log
// that still grows costs the file system more at each sync.
void print_latency(const Options& options) {
  const std::uint32_t workers = std::min(kLatencyWorkers, options.workers.front());
  Farm farm(farm_config(options, workers, 1));
  farm.submit(std::max<std::size_t>(1, options.jobs / kViews), kViews);
  farm.wait_idle();
  std::vector<double> ms;
  for (int i = 0; i < options.submissions; ++i) {
    const auto from = std::chrono::steady_clock::now();
    farm.submit(1, 1);
    const auto started = farm.wait_rendering(from);
    ms.push_back(std::chrono::duration<double, std::milli>(started - from).count());
    farm.wait_idle();
    std::this_thread::sleep_for(kRest);
  }
  print_row("submit to start, idle, " + std::to_string(workers) + " workers",
            "p50 " + number(median(ms)) + " ms, p99 " + number(quantile(ms, 0.99)) + " ms",
            "beanstalkd 0.42, 1.4; Redis 0.45, 1.3; PostgreSQL 1.9, 3.9; Slurm 930");
}

void print_head(const Options& options) {
  struct statfs disk {};
  const bool known = ::statfs(options.folder.c_str(), &disk) == 0;
  constexpr decltype(disk.f_type) kTmpfs = 0x01021994;  // linux/magic.h
  std::printf(
      "%u cores, %s, folder %s%s, %zu jobs a drain, prompts of 1 KiB, prefetch %u for drains and 1 "
      "for starts; medians of %d runs (least to most)\n",
      std::thread::hardware_concurrency(), options.plain ? "plain" : "CURVE",
      options.folder.c_str(), known && disk.f_type == kTmpfs ? " (memory: syncs cost nothing)" : "",
      options.jobs, options.prefetch, options.runs);
  std::printf(
      "not real: pictures (each result is one blob that is stored already) and sheets (put "
      "together "
      "by a function that does nothing)\n");
#ifndef NDEBUG
  std::printf("This is a Debug build: build it in Release for numbers.\n");
#endif
  print_row("", "measured", "peers: two cores, measured earlier on another occasion");
}

int run(const Options& options) {
  log::set_level(log::Level::warn);
  print_head(options);
  const auto wanted = [&](const char* row) { return options.only.empty() || options.only == row; };
  const Floors floors = print_floors(options);
  if (wanted("submit")) print_submit(options);
  if (wanted("drain")) {
    for (const std::uint32_t workers : options.workers) print_drain(options, workers, floors);
  }
  if (wanted("start")) print_latency(options);
  return 0;
}

}  // namespace
}  // namespace pirouette::bench

int main(int argc, char** argv) {
  pirouette::bench::Options options;
  CLI::App app("What the whole farm gets done, with an engine that renders nothing");
  app.add_option("--folder", options.folder, "on the disk to be measured");
  app.add_option("--workers", options.workers, "one drain each")->delimiter(',');
  app.add_option("--jobs", options.jobs, "of a drain, and of a submitted batch");
  app.add_option("--prefetch", options.prefetch, "jobs a worker holds beyond the one that renders");
  app.add_flag("--plain", options.plain, "without CURVE");
  app.add_option("--runs", options.runs)->check(CLI::PositiveNumber);
  app.add_option("--submissions", options.submissions, "single ones, to the idle farm");
  app.add_option("--only", options.only, "this row: submit, drain or start")
      ->check(CLI::IsMember({"submit", "drain", "start"}));
  CLI11_PARSE(app, argc, argv);
  return pirouette::bench::run(options);
}
