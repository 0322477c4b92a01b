#pragma once
// The words that LoRAs were trained on. A LoRA whose words are not in the prompt may do nothing,
// and nobody sees why: so a submission is told. Pure.

#include <map>
#include <string>
#include <vector>

#include "common/job/recipe.h"

namespace pirouette {

// What registered LoRAs were trained on, by their names.
using RegisteredTriggers = std::map<std::string, std::string>;

// A sentence for each LoRA whose words are not in every view's prompt. What the recipe names as its
// trigger counts, then what it is registered with, then what every turnaround LoRA knows.
std::vector<std::string> find_missing_triggers(const Recipe& recipe,
                                               const RegisteredTriggers& registered);

}  // namespace pirouette
