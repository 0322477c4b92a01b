#pragma once
// The loop that every training runs: gradients of some micro-batches, clipped; one AdamW step; the
// running average; a line of the log; now and then a checkpoint and a grid of samples; at the end
// what was learnt, saved. In output_dir:
//
//   log.jsonl           a line for each step: step, loss, lr, grad_norm, seconds
//   checkpoint-500/     what resuming needs: state.safetensors; the last few stay
//   samples/500.png     what the model did after that step, and at the end
//
// A training that was interrupted and resumed gives the same bytes as one that was not: what a step
// draws depends on the seed and its number alone (chance.h), and the rest is in the checkpoint.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "worker/train/adamw.h"
#include "worker/train/learning_rate.h"
#include "worker/train/task.h"

namespace pirouette::train {

// Hugging Face's names.
struct TrainingOptions {
  std::filesystem::path output_dir;
  std::int64_t max_train_steps = 1000;
  std::int64_t gradient_accumulation_steps = 1;
  LearningRate learning_rate;
  AdamWOptions adam;
  double max_grad_norm = 1.0;
  bool use_ema = false;  // then that is what is shown and saved
  double ema_decay = 0.9999;
  std::int64_t checkpointing_steps = 500;    // 0: none
  std::int64_t checkpoints_total_limit = 2;  // 0: all stay
  std::string resume_from_checkpoint;        // a checkpoint's folder, "latest", or "" to begin anew
  std::int64_t validation_steps = 0;         // samples every so many; 0: none
  // After so long a checkpoint is written and what was learnt is saved, as at the end. 0: no limit.
  double max_train_minutes = 0;
  // Set from a signal's handler, say: a checkpoint is written, and the training is cancelled.
  const std::atomic<bool>* stop = nullptr;
};

// One step as it is told: to the log, and to whoever watches.
struct StepReport {
  std::int64_t step = 0;  // from 1
  double loss = 0, learning_rate = 0, gradient_norm = 0, seconds = 0;
};
using Watch = std::function<void(const StepReport&)>;

// corrupt: a loss is not finite. conflict: output_dir has a training already, and resuming was not
// asked for. cancelled: it was stopped.
Result<void> train(Task& task, const TrainingOptions& options, const Watch& watch = nullptr);

}  // namespace pirouette::train
