#pragma once
// What an adapter says of itself beside its weights: adapter_config.json of a PEFT folder, or the
// same settings in a file's metadata, where diffusers writes them.

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "common/result.h"

namespace pirouette::flux {

// PEFT's names in the comments.
struct AdapterConfig {
  std::optional<double> rank;              // r
  std::optional<double> alpha;             // lora_alpha
  std::map<std::string, double> alpha_of;  // alpha_pattern: "attn.to_q", for modules ending so
  bool ranks_differ = false;               // rank_pattern is not empty
  bool scales_by_root = false;             // use_rslora: alpha / sqrt(rank)

  std::optional<double> find_alpha(const std::string& module) const;
};

// path: as load_lora() takes it. None said is no error; invalid names the setting that is not
// supported.
Result<AdapterConfig> load_adapter_config(const std::filesystem::path& path,
                                          const std::map<std::string, std::string>& metadata);

}  // namespace pirouette::flux
