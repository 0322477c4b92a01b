#pragma once
// Rows of text and the ids that the reference tokenizers give for them.

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/files.h"

namespace pirouette::flux {

inline std::filesystem::path tiny_kontext() {
  return std::filesystem::path(PIROUETTE_SOURCE_DIR) / "tests/data/tiny-kontext";
}

inline nlohmann::json load_json(const std::filesystem::path& path) {
  return nlohmann::json::parse(read_file(path, 16 << 20).value());
}

}  // namespace pirouette::flux
