#include "worker/train/checkpoint_folder.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "common/files.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "checkpoint-";
constexpr const char* kState = "state.safetensors";

std::optional<std::int64_t> step_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  std::int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return step;
}

// Its files and then itself, or nothing where it is not. A checkpoint has no folders: one that has
// stays, with an error that says so. Not remove_all: with gcc 13's libstdc++ linked statically it
// jumps to address 0 in folders that have files.
std::error_code remove_checkpoint(const fs::path& folder) {
  std::error_code failed;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, failed)) files.push_back(entry.path());
  if (failed == std::errc::no_such_file_or_directory) return {};
  for (const fs::path& file : files)
    if (!failed) fs::remove(file, failed);
  if (!failed) fs::remove(folder, failed);
  return failed;
}

// In the order of their steps.
std::vector<CheckpointFolder> list(const fs::path& output_dir) {
  std::vector<CheckpointFolder> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(output_dir, ignored))
    if (const auto step = step_of(entry.path()); step && entry.is_directory())
      found.push_back({entry.path(), *step});
  std::ranges::sort(found, {}, &CheckpointFolder::step);
  return found;
}

}  // namespace

Result<CheckpointFolder> find_checkpoint(const fs::path& output_dir, const std::string& wanted) {
  const std::vector<CheckpointFolder> there = list(output_dir);
  if (wanted == "latest" && !there.empty()) return there.back();
  for (const fs::path& path : {output_dir / wanted, fs::path(wanted)}) {
    const auto step = step_of(path);
    if (std::error_code ignored; step && fs::exists(path / kState, ignored))
      return CheckpointFolder{path, *step};
  }
  std::string names;
  for (const CheckpointFolder& one : there)
    names += (names.empty() ? "" : ", ") + one.path.filename().string();
  return Error{Errc::not_found, "--resume_from_checkpoint " + wanted + ": " + output_dir.string() +
                                    " has " + (names.empty() ? "no checkpoint" : names)};
}

Result<void> write_checkpoint(const fs::path& output_dir, std::int64_t step,
                              const flux::Tensors& state) {
  const fs::path to = output_dir / (std::string(kPrefix) + std::to_string(step));
  const fs::path made = output_dir / "checkpoint.part";
  std::error_code failed = remove_checkpoint(made);
  if (!failed) fs::create_directories(made, failed);
  if (failed) return Error{Errc::io, "making " + made.string() + ": " + failed.message()};
  TRY(flux::save_safetensors(made / kState, state));
  failed = remove_checkpoint(to);
  if (!failed) fs::rename(made, to, failed);
  if (failed) return Error{Errc::io, "naming " + to.string() + ": " + failed.message()};
  return sync_folder(output_dir);
}

Result<flux::Weights> read_checkpoint(const fs::path& checkpoint) {
  return flux::load_weights(checkpoint / kState);
}

Result<void> drop_old_checkpoints(const fs::path& output_dir, std::int64_t limit) {
  std::vector<CheckpointFolder> there = list(output_dir);
  if (limit <= 0 || static_cast<std::int64_t>(there.size()) <= limit) return {};
  there.resize(there.size() - static_cast<std::size_t>(limit));
  for (const CheckpointFolder& old : there) {
    if (const std::error_code failed = remove_checkpoint(old.path); failed)
      return Error{Errc::io, "removing " + old.path.string() + ": " + failed.message()};
  }
  return {};
}

}  // namespace pirouette::train
