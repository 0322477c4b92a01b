// simulate: runs the farm of tests/sim through as many nights as asked for, each twice, and says
// which promise broke under which seed. docs/simulator.md says more.

#include <google/protobuf/stubs/logging.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "common/log.h"
#include "tests/sim/farm.h"

namespace pirouette::sim {
namespace {

struct Wish {
  std::uint64_t first = 1, seeds = 1000;
  std::uint64_t seconds = 0;  // 0: as long as it takes
  std::uint64_t processes = 2;
  bool once = false;
  bool quiet = false;
};

// One a process, in memory that they share with the first: it is there whatever became of them.
struct Report {
  std::uint64_t seed = 0;  // the one that runs, or broke
  std::uint64_t runs = 0, done = 0;
  bool broke = false;
  std::uint64_t struck[Weather::kKinds] = {};
  char why[1024] = {};
};

void break_with(Report& report, const std::string& why) {
  report.broke = true;
  std::snprintf(report.why, sizeof report.why, "%s", why.c_str());
}

// Every processes-th seed from the first one on.
void run_seeds(const Wish& wish, std::uint64_t offset, Report& report, const bool& stop) {
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t i = offset; i < wish.seeds && !stop; i += wish.processes) {
    const auto spent = std::chrono::steady_clock::now() - began;
    if (wish.seconds > 0 && spent > std::chrono::seconds(wish.seconds)) return;
    report.seed = wish.first + i;
    const Outcome outcome = run_farm(report.seed);
    ++report.runs;
    report.done += outcome.done;
    for (std::size_t k = 0; k < Weather::kKinds; ++k) report.struck[k] += outcome.struck[k];
    if (!outcome.broken.empty()) return break_with(report, outcome.broken);
    if (!wish.once && run_farm(report.seed).hash != outcome.hash) {
      return break_with(report, "the same seed gave another run");
    }
  }
}

int print_seed(std::uint64_t seed) {
  const Outcome outcome = run_farm(seed, true);
  std::printf("%s\nhash %016llx, %llu jobs done\n",
              outcome.broken.empty() ? "all promises held" : outcome.broken.c_str(),
              static_cast<unsigned long long>(outcome.hash),
              static_cast<unsigned long long>(outcome.done));
  return outcome.broken.empty() ? 0 : 1;
}

void print_sums(const Report* reports, std::uint64_t processes, double seconds) {
  std::uint64_t runs = 0, done = 0, struck[Weather::kKinds] = {};
  for (std::uint64_t i = 0; i < processes; ++i) {
    runs += reports[i].runs;
    done += reports[i].done;
    for (std::size_t k = 0; k < Weather::kKinds; ++k) struck[k] += reports[i].struck[k];
  }
  std::printf("%llu seeds in %.1f s, %llu jobs done\n", static_cast<unsigned long long>(runs),
              seconds, static_cast<unsigned long long>(done));
  for (std::size_t k = 0; k < Weather::kKinds; ++k) {
    const std::string_view trouble = name(static_cast<Trouble>(k));
    std::printf("  %-22.*s %llu\n", static_cast<int>(trouble.size()), trouble.data(),
                static_cast<unsigned long long>(struck[k]));
  }
}

int run_all(const Wish& wish) {
  const std::size_t bytes = sizeof(Report) * wish.processes + sizeof(bool);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return std::perror("mmap"), 1;
  auto* reports = new (memory) Report[wish.processes];
  auto* stop = new (reports + wish.processes) bool(false);
  const auto began = std::chrono::steady_clock::now();
  std::map<pid_t, Report*> children;
  for (std::uint64_t i = 0; i < wish.processes; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      run_seeds(wish, i, reports[i], *stop);
      std::exit(0);
    }
    children[child] = &reports[i];
  }
  int status = 0;
  for (pid_t child; (child = ::wait(&status)) > 0;) {
    Report& report = *children[child];
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) break_with(report, "the program broke off");
    if (report.broke) *stop = true;
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
  if (!wish.quiet) print_sums(reports, wish.processes, spent.count());
  const Report* broken = nullptr;
  std::uint64_t runs = 0;
  for (std::uint64_t i = 0; i < wish.processes; ++i) {
    runs += reports[i].runs;
    if (reports[i].broke && (!broken || reports[i].seed < broken->seed)) broken = &reports[i];
  }
  if (!broken) return 0;
  std::printf("seed %llu broke after %llu runs: %s\nrun: simulate --seed %llu\n",
              static_cast<unsigned long long>(broken->seed), static_cast<unsigned long long>(runs),
              broken->why, static_cast<unsigned long long>(broken->seed));
  return 1;
}

}  // namespace
}  // namespace pirouette::sim

int main(int argc, char** argv) {
  using namespace pirouette;
  sim::Wish wish;
  std::uint64_t seed = 0;
  CLI::App app("Runs a simulated farm through troubled nights. Says which promise broke, if any.");
  app.add_option("--seed", seed, "print this one night");
  app.add_option("--seeds", wish.seeds, "how many nights")->capture_default_str();
  app.add_option("--first", wish.first, "the first seed")->capture_default_str();
  app.add_option("--seconds", wish.seconds, "no new night begins after so long (0: no limit)");
  app.add_option("--processes", wish.processes, "at once")->capture_default_str();
  app.add_flag("--once", wish.once, "each night once, not twice");
  app.add_flag("--quiet", wish.quiet, "only what broke");
  CLI11_PARSE(app, argc, argv);
  log::set_level(log::Level::error);
  google::protobuf::SetLogHandler(nullptr);  // bytes that are no text are meant to come
  // Databases are opened all the time: their memory is kept.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  wish.processes = std::max<std::uint64_t>(1, wish.processes);
  return seed > 0 ? sim::print_seed(seed) : sim::run_all(wish);
}
