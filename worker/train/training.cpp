#include "worker/train/training.h"

#include <chrono>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "common/files.h"
#include "worker/train/checkpoint_folder.h"
#include "worker/train/step_log.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;

using Clock = std::chrono::steady_clock;

// On a GPU losses are read so many steps at once: reading one waits for it, and meanwhile nothing
// would be handed out.
constexpr std::size_t kReadEvery = 10;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Training {
 public:
  Training(Task& task, const TrainingOptions& options, const Watch& watch)
      : task_(task), options_(options), watch_(watch), adam_(task.parameters(), options.adam) {
    if (options.use_ema) average_.emplace(task.parameters(), options.ema_decay);
  }

  Result<void> run();

 private:
  // A step that was handed out.
  struct Unread {
    StepReport report;
    Tensor numbers;  // loss, norm of the gradients
  };
  Result<std::int64_t> begin();  // steps that were made already
  Result<void> step(std::int64_t number);
  Result<void> read_all(StepLog& log);
  bool is_time_up() const {
    return options_.max_train_minutes > 0 &&
           seconds_since(started_) >= 60 * options_.max_train_minutes;
  }
  bool is_stopped() const { return options_.stop != nullptr && options_.stop->load(); }
  Result<void> save_checkpoint(std::int64_t step) const;
  Result<void> restore(const fs::path& checkpoint);
  Result<void> show(std::int64_t step);
  Tensors best() const;

  Task& task_;
  const TrainingOptions& options_;
  const Watch& watch_;
  AdamW adam_;
  std::optional<Average> average_;
  Clock::time_point started_ = Clock::now(), read_ = started_;
  std::vector<Unread> unread_;
};

Result<std::int64_t> Training::begin() {
  const fs::path& out = options_.output_dir;
  std::error_code failed;
  fs::create_directories(out, failed);
  if (failed) return Error{Errc::io, "--output_dir " + out.string() + ": " + failed.message()};
  if (options_.resume_from_checkpoint.empty()) {
    if (fs::exists(out / kStepLog, failed))
      return Error{Errc::conflict, out.string() +
                                       " has a training already: go on with it with "
                                       "--resume_from_checkpoint latest, or take another folder"};
    return 0;
  }
  const CheckpointFolder checkpoint = TRY(find_checkpoint(out, options_.resume_from_checkpoint));
  TRY(restore(checkpoint.path));
  TRY(StepLog::cut_after(out, checkpoint.step));
  return checkpoint.step;
}

Result<void> Training::step(std::int64_t number) {
  Parameters& parameters = task_.parameters();
  const std::int64_t micro_batches = options_.gradient_accumulation_steps;
  Unread step;
  step.report.step = number;
  step.report.learning_rate = options_.learning_rate.after(number - 1);
  Tensor loss;
  for (std::int64_t i = 0; i < micro_batches; ++i) {
    const auto share = 1 / static_cast<double>(micro_batches);
    const auto count = static_cast<std::uint64_t>((number - 1) * micro_batches + i);
    const Tensor one = TRY(task_.learn(count)).to(at::kDouble) * share;
    loss = loss.defined() ? loss + one : one;
    parameters.collect(share);
  }
  const Tensor norm = parameters.clip(options_.max_grad_norm).to(at::kDouble);
  step.numbers = at::stack({loss, norm});
  adam_.step(parameters, step.report.learning_rate, number);
  parameters.forget_gradients();
  parameters.publish();
  if (average_) average_->update(parameters, number);
  unread_.push_back(std::move(step));
  return {};
}

// Waits for the device; then the steps that were handed out are logged and told.
Result<void> Training::read_all(StepLog& log) {
  std::vector<Tensor> numbers;
  for (const Unread& step : unread_) numbers.push_back(step.numbers);
  if (numbers.empty()) return {};
  const Tensor read = at::stack(numbers).cpu();  // [steps, 2]
  const double seconds = seconds_since(read_) / static_cast<double>(unread_.size());
  read_ = Clock::now();
  for (std::size_t i = 0; i < unread_.size(); ++i) {
    StepReport& report = unread_[i].report;
    const auto* row = read.data_ptr<double>() + 2 * i;
    report.loss = row[0];
    report.gradient_norm = row[1];
    report.seconds = seconds;
    if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm))
      return Error{Errc::corrupt, "step " + std::to_string(report.step) +
                                      ": loss or gradient is not a number; take a lower "
                                      "--learning_rate, or go on from an earlier checkpoint"};
    TRY(log.append(report));
    if (watch_) watch_(report);
  }
  unread_.clear();
  return {};
}

Result<void> Training::save_checkpoint(std::int64_t step) const {
  Tensors state;
  for (const auto& [name, tensor] : task_.parameters().learnt())
    state.emplace("learnt." + name, tensor);
  adam_.save(task_.parameters(), state);
  if (average_) average_->save(task_.parameters(), state);
  TRY(write_checkpoint(options_.output_dir, step, state));
  return drop_old_checkpoints(options_.output_dir, options_.checkpoints_total_limit);
}

Result<void> Training::restore(const fs::path& checkpoint) {
  const at::NoGradGuard no_grad;
  flux::Weights state = TRY(read_checkpoint(checkpoint));
  Parameters& parameters = task_.parameters();
  for (Parameter& parameter : parameters.all())
    parameter.learnt.copy_(TRY(state.take("learnt." + parameter.name, parameter.learnt.sizes())));
  TRY(adam_.restore(parameters, state));
  if (average_) TRY(average_->restore(parameters, state));
  TRY(state.finish());
  parameters.publish();
  return {};
}

Result<void> Training::show(std::int64_t step) {
  if (average_) task_.parameters().publish(average_->values());
  const Image grid = TRY(task_.show());
  task_.parameters().publish();
  const fs::path folder = options_.output_dir / "samples";
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  return write_file_durably(folder / (std::to_string(step) + ".png"), TRY(encode_png(grid)));
}

Tensors Training::best() const {
  if (!average_) return task_.parameters().learnt();
  return task_.parameters().pieces("", average_->values());
}

Result<void> Training::run() {
  std::int64_t made = TRY(begin()), shown = -1, kept = -1;
  StepLog log = TRY(StepLog::open(options_.output_dir));
  const auto is_due = [](std::int64_t number, std::int64_t every) {
    return every > 0 && number % every == 0;
  };
  const Parameters& parameters = task_.parameters();
  const bool is_ahead = !parameters.all().empty() && parameters.all()[0].learnt.is_cuda();
  read_ = Clock::now();
  while (made < options_.max_train_steps && !is_time_up() && !is_stopped()) {
    TRY(step(++made));
    const bool is_shown = is_due(made, options_.validation_steps);
    const bool is_kept = is_due(made, options_.checkpointing_steps);
    if (!is_ahead || unread_.size() >= kReadEvery || is_shown || is_kept) TRY(read_all(log));
    if (is_shown) TRY(show(shown = made));
    if (is_kept) TRY(save_checkpoint(kept = made));
    if (is_shown || is_kept) read_ = Clock::now();
  }
  TRY(read_all(log));
  const bool is_whole = made >= options_.max_train_steps;
  if (!is_whole && kept != made) TRY(save_checkpoint(made));
  if (is_stopped() && !is_whole)
    return Error{Errc::cancelled, "stopped after step " + std::to_string(made) +
                                      "; go on with --resume_from_checkpoint latest"};
  if (options_.validation_steps > 0 && shown != made) TRY(show(made));
  if (average_) task_.parameters().publish(average_->values());
  return task_.save(options_.output_dir, best());
}

}  // namespace

Result<void> train(Task& task, const TrainingOptions& options, const Watch& watch) {
  return Training(task, options, watch).run();
}

}  // namespace pirouette::train
