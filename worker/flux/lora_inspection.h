#pragma once
// What a LoRA file is, for somebody who wonders: format, ranks, what it changes, what its trainer
// wrote into it, and whether this engine takes it. Reads headers and single numbers, so that a big
// file is told as fast as a small one. What strangers wrote is cut short and made printable.

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/checkpoint.h"

namespace pirouette::flux {

struct LoraReport {
  std::string path;
  std::set<std::string> formats;  // spellings (lora_spelling.h)
  std::set<std::string> kinds;    // "LoRA", "LoKr", "LoHa", "dense"
  std::set<std::int64_t> ranks;
  std::set<double> alphas;  // none: the file names none, and the scale is 1
  std::size_t transformer_modules = 0;
  std::size_t clip_modules = 0;
  std::vector<std::string> unknown_keys;  // the first few that fit nothing
  std::vector<std::string> trigger_words;
  std::map<std::string, std::string> training;  // of the file's metadata
  bool is_taken = false;
  std::string why_not;  // "" if it is taken
};

// Is it a LoRA at all? Told from the header's keys or an adapter_config.json.
bool looks_like_lora(const std::filesystem::path& path);

// path: as load_lora() takes it. model: canonical tensors of a transformer that it should fit, or
// null. An Error only where the file cannot be read; a LoRA that is refused is a report too.
Result<LoraReport> inspect_lora(const std::filesystem::path& path, const Tensors* model = nullptr);

nlohmann::json to_json(const LoraReport& report);
std::string to_text(const LoraReport& report);  // lines for people

}  // namespace pirouette::flux
