// What a job costs the coordinator however many there are, and however many workers: one night
// (night.h) of a size, or the curve of docs/pictures/scale.svg.
//
//   bench_scale [--workers 10000] [--jobs 1000000] [--folder build]
//   bench_scale --curve [--folder build] | tests/bench/plot_scale > docs/pictures/scale.svg

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "tests/bench/night.h"

namespace pirouette::bench {
namespace {

constexpr std::size_t kCurveJobs[] = {1'000, 3'000, 10'000, 30'000, 100'000, 300'000, 1'000'000};
constexpr std::size_t kCurveWorkers[] = {10, 30, 100, 300, 1'000, 3'000, 10'000};
constexpr std::size_t kWorkersOfJobs = 1'000, kJobsOfWorkers = 100'000;

double us_a_job(double seconds, const NightReport& report) {
  return seconds * 1e6 / static_cast<double>(std::max<std::size_t>(1, report.done));
}

int print_night(const NightPlan& plan) {
  const NightReport report = play(plan);
  std::printf("%zu workers, %zu jobs: %.0f s of night in %.1f s\n", plan.workers,
              report.done + report.failed, report.night_seconds, report.real_seconds);
  std::printf(
      "  %zu done, %zu cannot be rendered; %zu leases, of which %zu given back and %zu twins; %zu "
      "workers lost, %zu quarantines\n",
      report.done, report.failed, report.leases, report.requeued, report.twins, report.workers_lost,
      report.quarantines);
  std::printf("  processor time: %.1f us a job for what %zu events said, %.1f for ticks",
              us_a_job(report.jobs_seconds, report), report.events,
              us_a_job(report.ticks_seconds, report));
  if (!plan.folder.empty())
    std::printf(", %.1f for the store", us_a_job(report.store_seconds, report));
  std::printf("; of a core in real time %.2f %%\n",
              100 * (report.jobs_seconds + report.ticks_seconds + report.store_seconds) /
                  report.night_seconds);
  std::printf(
      "  longest round %.0f ms; %zu jobs in memory at most, peak %.0f MiB; decisions %016llx\n",
      report.longest_round_ms, report.jobs_in_memory, report.peak_mib,
      static_cast<unsigned long long>(report.decisions));
  std::printf("%s\n",
              report.broken.empty() ? "every job ended exactly once" : report.broken.c_str());
  return report.broken.empty() ? 0 : 1;
}

// In a process of its own, so that its memory is its own.
int print_point(const char* along, const NightPlan& plan) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    const NightReport report = play(plan);
    std::printf("%s,%zu,%zu,%.2f,%.2f,%.2f,%.0f,%.0f\n", along, plan.workers, plan.jobs,
                us_a_job(report.jobs_seconds, report), us_a_job(report.ticks_seconds, report),
                us_a_job(report.store_seconds, report), report.peak_mib, report.night_seconds);
    if (!report.broken.empty()) std::fprintf(stderr, "%s\n", report.broken.c_str());
    std::fflush(stdout);
    std::_Exit(report.broken.empty() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int print_curve(NightPlan plan) {
  std::printf("along,workers,jobs,jobs_us,ticks_us,store_us,peak_mib,night_s\n");
  plan.workers = kWorkersOfJobs;
  for (const std::size_t jobs : kCurveJobs) {
    plan.jobs = jobs;
    if (print_point("jobs", plan) != 0) return 1;
  }
  plan.jobs = kJobsOfWorkers;
  for (const std::size_t workers : kCurveWorkers) {
    plan.workers = workers;
    if (print_point("workers", plan) != 0) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace pirouette::bench

int main(int argc, char** argv) {
  pirouette::bench::NightPlan plan;
  bool curve = false;
  CLI::App app("What a job costs the coordinator, on a virtual clock");
  app.add_option("--workers", plan.workers)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--jobs", plan.jobs)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--seed", plan.seed, "of what goes wrong")->capture_default_str();
  app.add_option("--folder", plan.folder,
                 "where a database is made that every round is committed to; none: the core alone");
  app.add_flag("--curve", curve, "many sizes, as comma-separated values");
  CLI11_PARSE(app, argc, argv);
  return curve ? pirouette::bench::print_curve(plan) : pirouette::bench::print_night(plan);
}
