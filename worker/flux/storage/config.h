#pragma once
// The config.json beside each part of a diffusers model: read for what the weights' shapes do not
// tell.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/result.h"

namespace pirouette::flux {

// not_found or corrupt, naming the file.
Result<nlohmann::json> load_config(const std::filesystem::path& path);

}  // namespace pirouette::flux
