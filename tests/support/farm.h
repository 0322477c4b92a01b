#pragma once
// A whole farm of real processes on loopback, in a temporary folder: a coordinator, workers on the
// tiny model, the command line. For integration tests.

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/folder.h"
#include "tests/support/process.h"

namespace pirouette::testing {

class Farm {
 public:
  // A short lease lets a lost worker be noticed within a test's time; a long one keeps a worker on
  // a slow disk from being taken for lost.
  explicit Farm(std::chrono::milliseconds lease = std::chrono::seconds(8));
  ~Farm();

  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path coordinator_folder() const { return folder_ / "farm"; }
  std::filesystem::path database() const { return coordinator_folder() / "farm.db"; }

  // The first start takes any ports; later ones the same.
  void start_coordinator();
  void kill_coordinator() { coordinator_->kill9(); }
  Process& coordinator() { return *coordinator_; }

  void start_worker(const std::string& name, const std::vector<std::string>& more = {});
  Process& worker(const std::string& name) { return *workers_.at(name); }

  // The command line, with this farm's address.
  Finished cli(const std::vector<std::string>& arguments,
               std::chrono::milliseconds limit = std::chrono::seconds(60));

  // Writes count small pictures and a recipe, and submits them; returns the batch's id.
  std::uint64_t submit(int count, const nlohmann::json& recipe);
  // A recipe of the tiny model with its LoRA: 64x96, 2 steps, std6.
  static nlohmann::json tiny_recipe();

  // GET of an API path ("/api/v1/…"); null if there is no answer or not 200.
  nlohmann::json get(const std::string& path);
  std::string get_text(const std::string& path);

  // One SQL value from the database as text, by the sqlite3 program.
  std::string sql(const std::string& query);

  // Polls until done() or the time is over; returns whether it came true.
  static bool wait_until(const std::function<bool()>& done, std::chrono::milliseconds limit);
  bool wait_finished(std::uint64_t batch, std::chrono::milliseconds limit);

  // Everything that the processes logged, for a failed test's message.
  std::string logs() const;

 private:
  const TestFolder folder_;
  std::chrono::milliseconds lease_;
  nlohmann::json endpoints_;
  std::unique_ptr<Process> coordinator_;
  std::map<std::string, std::unique_ptr<Process>> workers_;
  int submissions_ = 0;
};

// Paths of the built programs and the committed test data.
std::filesystem::path binary(const std::string& name);
std::filesystem::path tiny_model();

}  // namespace pirouette::testing
