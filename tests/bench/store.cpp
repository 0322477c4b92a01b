// What the database can do by itself, without a farm around it: the disk's bare syncs, commits of
// several sizes, a start with open work, and the API's reads beside many stored jobs.
//
//   bench_store [--folder .] [--runs 5] [--open-jobs 100000] [--stored-jobs 1000000]

#include "coordinator/store/store.h"

#include <CLI/CLI.hpp>
#include <functional>

#include "coordinator/store/read_model.h"
#include "tests/bench/floors.h"
#include "tests/bench/measure.h"
#include "tests/bench/stored_rows.h"

namespace pirouette::bench {
namespace {

using core::Write;

constexpr double kRunMaxSeconds = 3;  // a slow disk takes fewer rounds, not longer

struct Options {
  std::string folder = ".";
  int runs = 5;
  std::uint64_t open_jobs = 100'000, stored_jobs = 1'000'000;
};

Digest some_blob(std::uint8_t byte) {
  Digest digest;
  digest.bytes.fill(byte);
  return digest;
}
const Digest kReference = some_blob(7), kPicture = some_blob(9);

// Leases and completions as the core writes them, that many rows a transaction.
double changes_per_second(const Options& options, std::size_t rows) {
  const Scratch scratch(options.folder);
  auto store = need(store::Store::open(scratch.path() / "farm.db"));
  core::Batch batch = make_batch(1, 20'000);
  need(store->commit(make_rows(batch, 1, core::JobState::queued, kReference, kPicture)));

  std::vector<std::vector<Write>> rounds(1);
  const std::vector<Write> done = make_rows(batch, 1, core::JobState::done, kReference, kPicture);
  std::uint64_t event = 0;
  const auto add = [&](Write write) {
    if (rounds.back().size() >= rows) rounds.emplace_back();
    rounds.back().push_back(std::move(write));
  };
  for (const Write& write : done) {
    if (const auto* put = std::get_if<core::PutJob>(&write)) {
      core::LedgerRow row;
      row.id = {++event};
      row.kind = "job.done";
      row.batch = batch.id;
      row.job = put->row.id;
      add(core::PutLease{{{event}, put->row.id, {1}, 1, {}}});
      add(write);
      add(core::AppendEvent{row});
      ++batch.jobs_done;
      add(core::PutBatch{batch});
    } else if (std::holds_alternative<core::PutPose>(write)) {
      add(write);
    }
    if (rounds.size() > 4000) break;
  }
  const std::uint64_t before = store->stats().changes;
  const Stopwatch watch;
  for (const std::vector<Write>& round : rounds) {
    need(store->commit(round));
    if (watch.seconds() > kRunMaxSeconds) break;
  }
  return static_cast<double>(store->stats().changes - before) / watch.seconds();
}

void print_median(const char* what, const Options& options, const std::function<double()>& run) {
  std::vector<double> values;
  for (int i = 0; i < options.runs; ++i) values.push_back(run());
  std::printf("%-44s %12.0f  (%.0f to %.0f)\n", what, median(values), quantile(values, 0),
              quantile(values, 1));
  std::fflush(stdout);
}

void measure_start(const Options& options) {
  const Scratch scratch(options.folder);
  const auto path = scratch.path() / "farm.db";
  fill(*need(store::Store::open(path)), 1, options.open_jobs, core::JobState::queued, kReference,
       kPicture);
  const Stopwatch watch;
  auto store = need(store::Store::open(path));
  const core::State state = need(store->load());
  std::printf("%-44s %10.0f ms\n",
              ("load with " + std::to_string(state.jobs.size()) + " open jobs").c_str(),
              watch.seconds() * 1000);
}

void measure_reads(const Options& options) {
  const Scratch scratch(options.folder);
  const auto path = scratch.path() / "farm.db";
  auto store = need(store::Store::open(path));
  fill(*store, 1, options.stored_jobs, core::JobState::done, kReference, kPicture);
  auto model = need(store::ReadModel::open(path));
  const auto print = [](const char* what, const std::function<void()>& read) {
    std::vector<double> ms;
    for (int i = 0; i < 200; ++i) {
      const Stopwatch watch;
      read();
      ms.push_back(watch.seconds() * 1000);
    }
    std::printf("%-44s p50 %7.2f ms  p95 %7.2f ms\n", what, median(ms), quantile(ms, 0.95));
  };
  std::printf("\nreads beside %llu stored jobs\n",
              static_cast<unsigned long long>(options.stored_jobs));
  print("50 batches", [&] { (void)need(model->batches({}, 50)); });
  print("50 sheets with 8 poses each", [&] { (void)need(model->sheets({1}, {}, 50)); });
  print("one sheet", [&] { (void)need(model->sheet({17})); });
  print("workers", [&] { (void)need(model->workers({}, 50)); });
  print("1000 ledger rows", [&] { (void)need(model->events({}, 1000)); });
  print("counts", [&] { (void)need(model->counts()); });
  print("delivery of 4000 poses", [&] { (void)need(model->delivery({1})); });
}

int run(const Options& options) {
  std::printf("medians of %d runs (least to most)\n", options.runs);
  print_median("bare syncs of 4 KiB a second", options,
               [&] { return syncs_per_second(options.folder, kRunMaxSeconds); });
  for (const std::size_t rows : {1, 10, 100, 300, 1000}) {
    const std::string what = "changes a second, " + std::to_string(rows) + " writes a commit";
    print_median(what.c_str(), options, [&] { return changes_per_second(options, rows); });
  }
  measure_start(options);
  measure_reads(options);
  return 0;
}

}  // namespace
}  // namespace pirouette::bench

int main(int argc, char** argv) {
  pirouette::bench::Options options;
  CLI::App app("What the farm's database can do by itself");
  app.add_option("--folder", options.folder, "on the disk to be measured");
  app.add_option("--runs", options.runs);
  app.add_option("--open-jobs", options.open_jobs, "for the start");
  app.add_option("--stored-jobs", options.stored_jobs, "for the API's reads");
  CLI11_PARSE(app, argc, argv);
  return pirouette::bench::run(options);
}
