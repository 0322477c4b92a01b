// The transcripts of tests/sim/scenarios: each is played again, and must read the same.
// PIROUETTE_BLESS=1 writes what the core does now into the files; then read the difference.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/sim/transcript.h"

namespace pirouette::sim {
namespace {

std::filesystem::path folder() {
  return std::filesystem::path(PIROUETTE_SOURCE_DIR) / "tests/sim/scenarios";
}

std::vector<std::string> scenario_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Scenario : public testing::TestWithParam<std::string> {};

TEST_P(Scenario, ReadsAsItDid) {
  const std::filesystem::path path = folder() / (GetParam() + ".txt");
  std::ostringstream expected;
  expected << std::ifstream(path).rdbuf();
  const std::string actual = Transcript().replay(expected.str());
  EXPECT_EQ(actual.find("> BROKEN"), std::string::npos) << actual;
  if (std::getenv("PIROUETTE_BLESS")) {
    std::ofstream(path) << actual;
  } else {
    EXPECT_EQ(actual, expected.str());
  }
}

INSTANTIATE_TEST_SUITE_P(All, Scenario, testing::ValuesIn(scenario_names()),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace pirouette::sim
