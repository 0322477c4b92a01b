#pragma once
// The checkpoints of a training, OUTPUT_DIR/checkpoint-STEP, as Hugging Face's trainers name them.
// A folder is whole or not there: it gets its name when its file is on the disk.

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/result.h"
#include "worker/flux/checkpoint.h"

namespace pirouette::train {

struct CheckpointFolder {
  std::filesystem::path path;
  std::int64_t step = 0;
};

// wanted: "latest", a name in output_dir, or a path. not_found says which there are.
Result<CheckpointFolder> find_checkpoint(const std::filesystem::path& output_dir,
                                         const std::string& wanted);

Result<void> write_checkpoint(const std::filesystem::path& output_dir, std::int64_t step,
                              const flux::Tensors& state);
Result<flux::Weights> read_checkpoint(const std::filesystem::path& checkpoint);

// All but the last so many go; 0: none goes.
Result<void> drop_old_checkpoints(const std::filesystem::path& output_dir, std::int64_t limit);

}  // namespace pirouette::train
