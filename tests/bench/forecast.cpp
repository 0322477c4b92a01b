// Is a batch ready when the farm says it will be? Nights of tests/support/forecast_nights.h: P90
// should hold in 85 to 95 % of them, P50 in about half. And what a forecast of a very full farm
// costs the loop. Prints; asserts nothing (tests/sim/forecast_test.cpp does).
//
//   bench_forecast [nights] [jobs]

#include "coordinator/core/forecast.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/support/forecast_nights.h"

namespace pirouette::core {
namespace {

// Many owners' batches, of which most want a tag that few of the workers have.
void print_cost(std::size_t batches, std::size_t workers) {
  Plan plan;
  Durations durations;
  FairShare shares({}, seconds(24 * 3600), plan.now);
  const KindId kind = durations.kind_of(Recipe{});
  const ClassId device = durations.class_of("cuda", "H200");
  for (int i = 0; i < 64; ++i) durations.note(kind, device, seconds(30));
  std::vector<Worker> rows(workers);
  for (std::size_t i = 0; i < workers; ++i) {
    rows[i].models = {Recipe{}.model};
    if (i % 100 == 0) rows[i].tags = {"80gb"};
    plan.workers.push_back({&rows[i], device, plan.now});
  }
  for (std::size_t i = 0; i < batches; ++i) {
    auto recipe = std::make_shared<Recipe>();
    if (i % 10 != 0) recipe->required_tags = {"80gb"};
    const OwnerId owner = shares.owner("o" + std::to_string(i % 100));
    plan.lines.push_back({{false, -50, owner, kNever, {i + 1}}, recipe, kind, 100});
  }
  const auto began = std::chrono::steady_clock::now();
  const std::size_t told = forecast(plan, durations, shares).size();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  std::printf("%zu batches of 100 jobs, %zu workers: %.1f ms, %zu told\n", batches, workers,
              took.count(), told);
}

}  // namespace
}  // namespace pirouette::core

int main(int argc, char** argv) {
  using namespace pirouette::core;
  const std::size_t nights = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100;
  const std::size_t jobs = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 3000;
  print_cost(100, 100);
  print_cost(10'000, 100);
  print_cost(10'000, 10'000);
  const ForecastRecord record = keep_forecasts(nights, jobs);
  if (record.told == 0) return 1;
  const auto percent = [&](std::size_t count) {
    return 100.0 * static_cast<double>(count) / static_cast<double>(record.told);
  };
  std::printf("%zu nights of %zu jobs, told after a tenth: P50 held in %.0f %%, P90 in %.0f %%\n",
              record.told, jobs, percent(record.by_p50), percent(record.by_p90));
  std::printf("truth behind P50, of the time left: median %+.1f %%, from %+.1f %% to %+.1f %%\n",
              100 * record.errors[record.errors.size() / 2], 100 * record.errors.front(),
              100 * record.errors.back());
  return 0;
}
