#pragma once
// The views of single sheets. A batch has one recipe; a sheet that asks for other views than the
// recipe's makes the recipe's views the union of what is asked for, and keeps its own as places in
// it. Pure.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/job/recipe.h"
#include "common/result.h"

namespace pirouette {

// What a sheet's pose set stands for beside this recipe. invalid: no such set, or the recipe
// defines one of its views otherwise.
Result<PoseSet> find_pose_set(const Recipe& recipe, std::string_view name);
// The same of views by id: the recipe's own first, then the standard ones. invalid: none, one
// twice, or one that neither has.
Result<PoseSet> find_views(const Recipe& recipe, std::span<const std::string> ids);

// wanted: one a sheet, of the two above; empty for the recipe's own. A recipe that all sheets use
// whole stays as it is. invalid: more views than a recipe may have.
Result<void> settle_views(BatchSpec& batch, std::span<const PoseSet> wanted);

}  // namespace pirouette
