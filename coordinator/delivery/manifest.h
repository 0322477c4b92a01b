#pragma once
// manifest.json: how each picture of a batch was made. schema/manifest.schema.json describes it,
// docs/delivery.md explains it. Pure.

#include <nlohmann/json.hpp>
#include <string>

#include "common/job/recipe.h"
#include "coordinator/delivery/delivery.h"

namespace pirouette::delivery {

// Raised when a reader of the one before would misread it; a field more does not raise it.
inline constexpr int kManifestFormat = 2;

using Json = nlohmann::ordered_json;

// What all files of one character are named by.
struct SheetPaths {
  std::string stem;
  std::string sheet(const core::Sheet& sheet) const;
  std::string thumbnail(const core::Sheet& sheet) const;
  std::string view(const View& view, std::uint32_t take) const;
};

// With an empty list of sheets.
Json manifest_json(const core::Batch& batch);

Json sheet_json(const Sheet& row, const SheetPaths& paths, const Recipe& recipe,
                const BytesOf& bytes_of);

}  // namespace pirouette::delivery
