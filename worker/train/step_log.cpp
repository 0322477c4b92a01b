#include "worker/train/step_log.h"

#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "common/files.h"
#include "worker/train/training.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kLogMaxBytes = 1u << 30;
constexpr double kSmooth = 0.98;           // of the running means
constexpr std::int64_t kPlainEvery = 100;  // steps between lines where nobody looks

}  // namespace

StepLog::StepLog(fs::path path) : path_(std::move(path)), out_(path_, std::ios::app) {}

Result<StepLog> StepLog::open(const fs::path& output_dir) {
  StepLog log(output_dir / kStepLog);
  if (!log.out_) return Error{Errc::io, "cannot write " + log.path_.string()};
  return log;
}

Result<void> StepLog::cut_after(const fs::path& output_dir, std::int64_t step) {
  const fs::path path = output_dir / kStepLog;
  if (std::error_code ignored; !fs::exists(path, ignored)) return {};
  const auto bytes = TRY(read_file(path, kLogMaxBytes));
  std::istringstream lines(std::string(bytes.begin(), bytes.end()));
  std::string line, kept;
  while (std::getline(lines, line)) {
    const json written = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!written.is_object() || written.value("step", step + 1) > step) break;
    kept += line + '\n';
  }
  return write_file_durably(path, kept);
}

Result<void> StepLog::append(const StepReport& report) {
  out_ << json{{"step", report.step},
               {"loss", report.loss},
               {"lr", report.learning_rate},
               {"grad_norm", report.gradient_norm},
               {"seconds", report.seconds}}
              .dump()
       << '\n'
       << std::flush;
  if (!out_) return Error{Errc::io, path_.string() + ": the disk is full"};
  return {};
}

ProgressLine::ProgressLine(std::int64_t of) : of_(of), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(const StepReport& report) {
  constexpr std::int64_t kBarColumns = 30;
  const bool is_first = seconds_ == 0;
  loss_ = is_first ? report.loss : kSmooth * loss_ + (1 - kSmooth) * report.loss;
  seconds_ = is_first ? report.seconds : kSmooth * seconds_ + (1 - kSmooth) * report.seconds;
  if (!is_terminal_ && report.step % kPlainEvery != 0 && report.step != of_) return;
  const auto filled = static_cast<std::size_t>(kBarColumns * report.step / of_);
  const std::string bar =
      std::string(filled, '#') + std::string(static_cast<std::size_t>(kBarColumns) - filled, '.');
  const double minutes_left = seconds_ * static_cast<double>(of_ - report.step) / 60;
  std::fprintf(stderr, "%s[%s] step %lld of %lld, loss %.4f, %.2f s a step, %.0f min left%s",
               is_terminal_ ? "\r" : "", bar.c_str(), static_cast<long long>(report.step),
               static_cast<long long>(of_), loss_, seconds_, minutes_left,
               is_terminal_ && report.step < of_ ? "  " : "\n");
  std::fflush(stderr);
}

}  // namespace pirouette::train
