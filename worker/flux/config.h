#pragma once
// The config.json beside each part of a diffusers model: read for what the weights' shapes do not
// tell.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/result.h"

namespace pirouette::flux {

// not_found or corrupt, naming the file.
Result<nlohmann::json> load_config(const std::filesystem::path& path);

// The number of that name, or otherwise.
template <typename T>
T number_or(const nlohmann::json& config, const char* name, T otherwise) {
  const auto found = config.find(name);
  return found != config.end() && found->is_number() ? found->template get<T>() : otherwise;
}

}  // namespace pirouette::flux
