#include "worker/train/training.h"

#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "common/files.h"
#include "worker/train/checkpoint_folder.h"
#include "worker/train/step_log.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;

class Training {
 public:
  Training(Task& task, const TrainingOptions& options)
      : task_(task), options_(options), adam_(task.parameters(), options.adam) {
    if (options.use_ema) average_.emplace(task.parameters(), options.ema_decay);
  }

  Result<void> run(const Watch& watch);

 private:
  Result<std::int64_t> begin();  // steps that were made already
  Result<StepReport> step(std::int64_t number);
  Result<void> save_checkpoint(std::int64_t step) const;
  Result<void> restore(const fs::path& checkpoint);
  Result<void> show(std::int64_t step);
  Tensors best() const;

  Task& task_;
  const TrainingOptions& options_;
  AdamW adam_;
  std::optional<Average> average_;
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

Result<StepReport> Training::step(std::int64_t number) {
  const auto start = std::chrono::steady_clock::now();
  Parameters& parameters = task_.parameters();
  const std::int64_t micro_batches = options_.gradient_accumulation_steps;
  StepReport report;
  report.step = number;
  for (std::int64_t i = 0; i < micro_batches; ++i) {
    const auto share = 1 / static_cast<double>(micro_batches);
    const auto count = static_cast<std::uint64_t>((number - 1) * micro_batches + i);
    report.loss += share * TRY(task_.learn(count));
    parameters.collect(share);
  }
  report.learning_rate = options_.learning_rate.after(number - 1);
  report.gradient_norm = parameters.clip(options_.max_grad_norm);
  if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm))
    return Error{Errc::corrupt, "step " + std::to_string(number) +
                                    ": loss or gradient is not a number; take a lower "
                                    "--learning_rate, or go on from an earlier checkpoint"};
  adam_.step(parameters, report.learning_rate, number);
  parameters.forget_gradients();
  parameters.publish();
  if (average_) average_->update(parameters, number);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  report.seconds = took.count();
  return report;
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
  Tensors learnt = task_.parameters().learnt();
  if (!average_) return learnt;
  for (std::size_t i = 0; i < average_->values().size(); ++i)
    learnt[task_.parameters().all()[i].name] = average_->values()[i];
  return learnt;
}

Result<void> Training::run(const Watch& watch) {
  const std::int64_t done = TRY(begin());
  StepLog log = TRY(StepLog::open(options_.output_dir));
  const auto is_due = [](std::int64_t number, std::int64_t every) {
    return every > 0 && number % every == 0;
  };
  for (std::int64_t number = done + 1; number <= options_.max_train_steps; ++number) {
    const StepReport report = TRY(step(number));
    TRY(log.append(report));
    if (watch) watch(report);
    if (is_due(number, options_.validation_steps)) TRY(show(number));
    if (is_due(number, options_.checkpointing_steps)) TRY(save_checkpoint(number));
  }
  if (average_) task_.parameters().publish(average_->values());
  return task_.save(options_.output_dir, best());
}

}  // namespace

Result<void> train(Task& task, const TrainingOptions& options, const Watch& watch) {
  return Training(task, options).run(watch);
}

}  // namespace pirouette::train
