#pragma once
// log.jsonl of a training: one JSON object a step, appended as the step is made, for people and
// plots. And the line on the terminal that shows how far it is.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/result.h"

namespace pirouette::train {

struct StepReport;

inline constexpr const char* kStepLog = "log.jsonl";

class StepLog {
 public:
  static Result<StepLog> open(const std::filesystem::path& output_dir);
  // What was logged after that step goes: it is done again.
  static Result<void> cut_after(const std::filesystem::path& output_dir, std::int64_t step);

  Result<void> append(const StepReport& report);

 private:
  explicit StepLog(std::filesystem::path path);
  std::filesystem::path path_;
  std::ofstream out_;
};

// One line that is written over, where somebody looks at it; else one now and then.
class ProgressLine {
 public:
  explicit ProgressLine(std::int64_t of);
  void show(const StepReport& report);

 private:
  std::int64_t of_;
  bool is_terminal_;
  double loss_ = 0, seconds_ = 0;  // running means
};

}  // namespace pirouette::train
