#pragma once
// Templates of prompts: literal text with slots in braces. Internal to common/job; recipe.h
// declares what fills them.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/job/recipe.h"

namespace pirouette::job {

std::vector<std::string> slot_names();

// The first thing in braces that is no slot ("{veiw}", or "{" that nothing closes).
std::optional<std::string> find_unknown_slot(std::string_view prompt_template);
bool has_slot(std::string_view prompt_template, std::string_view slot);

std::string_view stance_name(Stance stance);  // as recipes write it
std::optional<Stance> find_stance(std::string_view name);
std::vector<std::string> stance_names();

}  // namespace pirouette::job
