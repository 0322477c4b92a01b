// How many jobs a second the whole farm takes in and gets done, and how long an idle one takes to
// start one: real HTTP, CURVE and TCP over loopback, a database and outboxes on a real disk,
// workers whose engine renders nothing (farm.h says what is not real). A shared machine's speed
// varies tenfold within an hour, so each drain alternates with that of a bare prototype
// (prototype.h), and their ratio is what to compare; beside them stands what the disk, SQLite and
// ZeroMQ could do just then. docs/speed.md has the numbers and what limits them.
//
//   bench_throughput [--folder .] [--workers 8,64] [--jobs 12000] [--prefetch 15] [--plain]
//                    [--runs 3] [--submissions 200] [--only drain]

#include <sys/vfs.h>

#include <CLI/CLI.hpp>

#include "common/log.h"
#include "tests/bench/farm.h"
#include "tests/bench/floors.h"
#include "tests/bench/prototype.h"
#include "tests/bench/syncs.h"

namespace pirouette::bench {
namespace {

constexpr std::size_t kViews = 6;
constexpr double kFloorSeconds = 0.3;
// Between two single submissions, so that nothing of the first is still on its way.
constexpr std::chrono::milliseconds kRest{2};
constexpr std::uint32_t kLatencyWorkers = 8;
// Threads from a POST to the engine: the front door's, which serves and runs the round, ZeroMQ's at
// both ends, the worker's, which reads the socket and renders.
constexpr int kStartHandOvers = 4;
// A blob a job: two syncs at the worker and two at the coordinator each, so fewer jobs a drain.
constexpr std::size_t kBlobBytes = 64 << 10;
constexpr std::size_t kBlobJobsShare = 12;
// What is wanted of it (all on two cores, as the peers' numbers in docs/speed.md).
constexpr double kSubmitsWanted = 60'000;
constexpr double kRatioWanted = 0.8;
constexpr double kDrainWanted = 12'000, kBigDrainWanted = 25'000;  // up to 16 workers, and beyond
constexpr double kStartWantedMs = 0.7, kLateStartWantedMs = 3;     // p50, p99

struct Options {
  std::string folder = ".";
  std::vector<std::uint32_t> workers = {8, 64};
  std::size_t jobs = 12'000;
  std::uint32_t prefetch = 15;
  bool plain = false;
  int runs = 3;
  int submissions = 200;
  std::string only;
};

// --- the table -----------------------------------------------------------------------------------

std::string number(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string rate(double value) { return number(value, "%.0f"); }
std::string ratio(double value) { return number(value, "%.2f"); }

struct Line {
  std::string what, measured, range, syncs, processor, wanted;
};

void print(const Line& line) {
  std::printf("%-36s %16s %18s  %-40s %8s  %s\n", line.what.c_str(), line.measured.c_str(),
              line.range.c_str(), line.syncs.c_str(), line.processor.c_str(), line.wanted.c_str());
  std::fflush(stdout);
}

std::string range(const std::vector<double>& values, std::string (*as_text)(double)) {
  return as_text(quantile(values, 0)) + " to " + as_text(quantile(values, 1));
}

std::string verdict(bool reached) { return reached ? ": pass" : ": FAIL"; }

// What some jobs took, one entry a round.
struct Rounds {
  std::vector<double> rates, processor_us;             // jobs a second; of all threads, a job
  std::vector<double> database, outboxes, blobs, all;  // syncs a job

  void add(std::size_t jobs, double seconds, double processor_seconds, const Syncs& syncs) {
    const auto count = static_cast<double>(jobs);
    rates.push_back(count / seconds);
    processor_us.push_back(processor_seconds / count * 1e6);
    database.push_back(static_cast<double>(syncs.database) / count);
    outboxes.push_back(static_cast<double>(syncs.outbox) / count);
    blobs.push_back(static_cast<double>(syncs.blobs) / count);
    all.push_back(static_cast<double>(syncs.all()) / count);
  }

  Line line(const std::string& what, const std::string& wanted) const {
    const auto shown = [](const std::vector<double>& values) {
      return number(median(values), "%.3f");
    };
    return {
        what,
        rate(median(rates)) + "/s",
        range(rates, rate),
        shown(all) + " (" + shown(database) + ", " + shown(outboxes) + ", " + shown(blobs) + ")",
        rate(median(processor_us)),
        wanted};
  }
};

void print_head(const Options& options) {
  struct statfs disk {};
  const bool known = ::statfs(options.folder.c_str(), &disk) == 0;
  constexpr decltype(disk.f_type) kTmpfs = 0x01021994;  // linux/magic.h
  std::printf(
      "%u cores, %s, folder %s%s, %zu jobs a drain, orders of 1 KiB, prefetch %u for drains and 1 "
      "for starts; medians of %d rounds\nnot real: rendering, and putting sheets together\n",
      std::thread::hardware_concurrency(), options.plain ? "plain" : "CURVE",
      options.folder.c_str(), known && disk.f_type == kTmpfs ? " (memory: syncs cost nothing)" : "",
      options.jobs, options.prefetch, options.runs);
#ifndef NDEBUG
  std::printf("This is a Debug build: build it in Release for numbers.\n");
#endif
  print({"", "median", "least to most", "syncs a job (database, outboxes, blobs)", "us CPU/job",
         "wanted"});
}

// --- floors --------------------------------------------------------------------------------------

template <typename Measure>
void print_floor(const std::string& what, int runs, Measure measure) {
  std::vector<double> values;
  for (int run = 0; run < runs; ++run) values.push_back(measure());
  print({"floor: " + what, rate(median(values)) + "/s", range(values, rate), "", "", ""});
}

void print_floor(const std::string& what, const std::vector<double>& ms) {
  print({"floor: " + what, "p50 " + ratio(median(ms)) + " ms",
         "p99 " + ratio(quantile(ms, 0.99)) + " ms", "", "", ""});
}

void print_floors(const Options& options) {
  print_floor("syncs of 4 KiB", options.runs,
              [&] { return syncs_per_second(options.folder, kFloorSeconds); });
  for (const int rows : {100, 300}) {
    print_floor("SQLite, " + std::to_string(rows) + " changes a commit", options.runs,
                [&] { return changes_per_second(options.folder, rows, kFloorSeconds); });
  }
  print_floor("ZeroMQ round trips, 64 at once", options.runs,
              [] { return round_trips_per_second(kFloorSeconds); });
  print_floor("a lone write of 64 KiB and its sync",
              lone_syncs_ms(options.folder, options.submissions));
  print_floor(std::to_string(kStartHandOvers) + " sleeping threads wake in turn",
              wake_chains_ms(kStartHandOvers, options.submissions));
}

// --- rows ----------------------------------------------------------------------------------------

FarmConfig farm_config(const Options& options, std::uint32_t workers, std::uint32_t prefetch) {
  return {options.folder, workers, prefetch, options.plain};
}

std::size_t sheets_of(std::size_t jobs) { return std::max<std::size_t>(1, jobs / kViews); }

// Batches over HTTP into a farm without workers.
void print_submit(const Options& options) {
  Farm farm(farm_config(options, 0, options.prefetch));
  const std::size_t sheets = sheets_of(options.jobs);
  Rounds rounds;
  for (int run = 0; run < options.runs; ++run) {
    const Stopwatch watch;
    const double processor = processor_seconds();
    const Syncs syncs = syncs_so_far();
    farm.submit(sheets, kViews);
    rounds.add(sheets * kViews, watch.seconds(), processor_seconds() - processor,
               syncs_so_far() - syncs);
  }
  print(rounds.line("submit, " + std::to_string(sheets) + " sheets a batch",
                    "60,000/s" + verdict(median(rounds.rates) >= kSubmitsWanted)));
}

// From the answer to the submission to when the last job was durably done.
void drain(Farm& farm, std::size_t jobs, Rounds& rounds) {
  const std::size_t sheets = sheets_of(jobs);
  farm.submit(sheets, kViews);
  const auto start = Farm::Time::clock::now();
  const double processor = processor_seconds();
  const Syncs syncs = syncs_so_far();
  const auto end = farm.wait_idle();
  rounds.add(sheets * kViews, std::chrono::duration<double>(end - start).count(),
             processor_seconds() - processor, syncs_so_far() - syncs);
  farm.check_all_done();
}

void drain_bare(const Options& options, std::uint32_t workers, Rounds& rounds) {
  const Syncs syncs = syncs_so_far();
  const PrototypeDrained drained =
      drain_prototype({options.folder, workers, options.prefetch + 1, options.jobs, options.plain});
  const auto jobs = static_cast<double>(options.jobs);
  rounds.add(options.jobs, jobs / drained.rate, drained.processor_us * jobs / 1e6,
             syncs_so_far() - syncs);
}

// The farm and the prototype by turns, so that what the machine does else meets both.
void print_drain(const Options& options, std::uint32_t workers) {
  Farm farm(farm_config(options, workers, options.prefetch));
  Rounds of_farm, of_prototype;
  std::vector<double> ratios;
  for (int run = 0; run < options.runs; ++run) {
    drain(farm, options.jobs, of_farm);
    drain_bare(options, workers, of_prototype);
    ratios.push_back(of_farm.rates.back() / of_prototype.rates.back());
  }
  const std::string crew = std::to_string(workers) + " workers";
  const double wanted = workers <= 16 ? kDrainWanted : kBigDrainWanted;
  const bool fast = median(of_farm.rates) >= wanted, close = median(ratios) >= kRatioWanted;
  print(of_farm.line("drain, " + crew, rate(wanted) + "/s, or the ratio" + verdict(fast || close)));
  print(of_prototype.line("  bare prototype", ""));
  print({"  farm / prototype", ratio(median(ratios)), range(ratios, ratio), "", "",
         "0.80" + verdict(close)});
}

void print_blobs(const Options& options) {
  const std::uint32_t workers = options.workers.front();
  FarmConfig config = farm_config(options, workers, options.prefetch);
  config.picture_bytes = kBlobBytes;
  Farm farm(config);
  Rounds rounds;
  for (int run = 0; run < options.runs; ++run) {
    drain(farm, options.jobs / kBlobJobsShare, rounds);
  }
  print(rounds.line("drain, " + std::to_string(workers) + " workers, 64 KiB blob each", ""));
}

// One job at a time into a farm that has nothing to do: from before the POST to the engine's call.
void print_starts(const Options& options, Farm& farm, const std::string& what) {
  std::vector<double> ms;
  const Syncs syncs = syncs_so_far();
  const double processor = processor_seconds();
  for (int i = 0; i < options.submissions; ++i) {
    const auto from = farm.submit(1, 1);
    const auto started = farm.wait_rendering(from);
    ms.push_back(std::chrono::duration<double, std::milli>(started - from).count());
    farm.wait_idle();
    std::this_thread::sleep_for(kRest);
  }
  Rounds rounds;
  rounds.add(ms.size(), 1, processor_seconds() - processor, syncs_so_far() - syncs);
  farm.check_all_done();
  Line line = rounds.line(what, "0.7 and 3 ms");
  const double p50 = median(ms), p99 = quantile(ms, 0.99);
  line.measured = "p50 " + ratio(p50) + " ms";
  line.range = "p99 " + ratio(p99) + " ms";
  line.wanted += verdict(p50 <= kStartWantedMs && p99 <= kLateStartWantedMs);
  print(line);
}

// Twice: as a farm is when it has just been started, and when its write-ahead log has gone round,
// as it has at 32 MiB: some 5 KiB a job.
void print_both_starts(const Options& options) {
  const std::uint32_t workers = std::min(kLatencyWorkers, options.workers.front());
  Farm farm(farm_config(options, workers, 1));
  print_starts(options, farm, "submit to start, idle, fresh log");
  farm.submit(sheets_of(options.jobs), kViews);
  farm.wait_idle();
  print_starts(options, farm, "submit to start, idle, log gone round");
}

int run(const Options& options) {
  log::set_level(log::Level::warn);
  print_head(options);
  const auto wanted = [&](const char* row) { return options.only.empty() || options.only == row; };
  if (wanted("floors")) print_floors(options);
  if (wanted("submit")) print_submit(options);
  if (wanted("drain")) {
    for (const std::uint32_t workers : options.workers) print_drain(options, workers);
  }
  if (wanted("blobs")) print_blobs(options);
  if (wanted("start")) print_both_starts(options);
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
  app.add_option("--only", options.only, "these rows: floors, submit, drain, blobs or start")
      ->check(CLI::IsMember({"floors", "submit", "drain", "blobs", "start"}));
  CLI11_PARSE(app, argc, argv);
  return pirouette::bench::run(options);
}
