#pragma once
// A recipe inside a larger JSON document. Internal to common/job.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "common/job/fields.h"
#include "common/job/recipe.h"

namespace pirouette::job {

// Complaints are made under this path; where there are any, the recipe is not to be used.
Recipe read_recipe(const nlohmann::json& value, const std::string& path, Complaints& complaints);
nlohmann::ordered_json write_recipe(const Recipe& recipe);

// JSON text; bytes that are not UTF-8 are replaced.
std::string dump(const nlohmann::ordered_json& value);

}  // namespace pirouette::job
