#include "common/job/triggers.h"

#include <algorithm>

#include "common/job/names.h"

namespace pirouette {
namespace {

// White space as make_prompt() folds it.
std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string words_of(const RecipeLora& lora, const RegisteredTriggers& registered) {
  if (!lora.trigger.empty()) return folded(lora.trigger);
  const auto known = registered.find(lora.name);
  if (known != registered.end()) return folded(known->second);
  const bool turns = lower_case(lora.name).find("turnaround") != std::string::npos;
  return turns ? std::string(kTurnaroundTrigger) : "";
}

}  // namespace

std::vector<std::string> find_missing_triggers(const Recipe& recipe,
                                               const RegisteredTriggers& registered) {
  std::vector<std::string> missing;
  for (const RecipeLora& lora : recipe.loras) {
    const std::string words = words_of(lora, registered);
    const auto has_them = [&](const View& view) {
      return make_prompt(recipe, view, "", "").find(words) != std::string::npos;
    };
    if (std::ranges::all_of(recipe.views, has_them)) continue;
    missing.push_back("the LoRA " + lora.name + " was trained on the words \"" + words +
                      "\", which are not in the prompt, so it may do nothing: give it them as its "
                      "trigger in the recipe");
  }
  return missing;
}

}  // namespace pirouette
