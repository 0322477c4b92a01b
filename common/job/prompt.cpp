// Fills a template's slots in one pass, so braces in what users write are never slots. Wording of
// the default: one figure a canvas gave clean back views where whole sheets did not; naming the
// hair and the shoes keeps both inside the frame.

#include "common/job/prompt.h"

#include <algorithm>
#include <array>

namespace pirouette {
namespace {

constexpr std::array<std::string_view, 6> kSlots = {"view",     "geometry",       "stance",
                                                    "triggers", "identity_notes", "correction"};

struct StanceWords {
  Stance stance;
  std::string_view name;
  std::string_view words;
};

constexpr std::array<StanceWords, 3> kStances = {{
    {Stance::neutral, "neutral", "neutral standing pose, arms relaxed"},
    {Stance::a_pose, "a_pose",
     "A-pose, arms held about 40 degrees from the body, legs slightly apart, hands open"},
    {Stance::t_pose, "t_pose", "T-pose"},
}};

std::string_view stance_words(Stance stance) {
  for (const StanceWords& entry : kStances) {
    if (entry.stance == stance) return entry.words;
  }
  PIROUETTE_CHECK(!"a stance without words");
  return {};
}

// Every LoRA's trigger, once each, in order.
std::string join_triggers(const std::vector<RecipeLora>& loras) {
  std::vector<std::string> words;
  for (const RecipeLora& lora : loras) {
    if (lora.trigger.empty()) continue;
    if (std::find(words.begin(), words.end(), lora.trigger) == words.end()) {
      words.push_back(lora.trigger);
    }
  }
  std::string joined;
  for (const std::string& word : words) joined += (joined.empty() ? "" : ", ") + word;
  return joined;
}

// Calls literal(text) and slot(name) in turn. Braces that name no slot are literal text.
template <typename Literal, typename Slot>
void walk_template(std::string_view text, Literal literal, Slot slot) {
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    const std::size_t close = open == text.npos ? text.npos : text.find('}', open);
    if (close == text.npos) break;
    literal(text.substr(0, open));
    slot(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
  }
  literal(text);
}

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_stop(char c) { return c == ',' || c == '.'; }

// One space between words, none before a comma or full stop, no comma after another, at the start,
// or before a full stop: what empty slots leave behind is swept up.
std::string fold(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool space = false;
  for (auto at = text.begin(); at != text.end();) {
    const auto begin = at++;
    const char c = *begin;
    if (is_space(c)) {
      space = true;
      continue;
    }
    const bool after_comma = !out.empty() && out.back() == ',';
    if (c == ',' && (out.empty() || after_comma)) continue;
    if (c == '.' && after_comma) out.pop_back();
    if (space && !out.empty() && !is_stop(c)) out += ' ';
    space = false;
    if (!is_stop(c)) {
      at = std::find_if(at, text.end(), [](char next) { return is_space(next) || is_stop(next); });
    }
    out.append(begin, at);
  }
  if (!out.empty() && out.back() == ',') out.pop_back();
  return out;
}

}  // namespace

std::vector<std::string> job::slot_names() { return {kSlots.begin(), kSlots.end()}; }

std::optional<std::string> job::find_unknown_slot(std::string_view prompt_template) {
  std::optional<std::string> unknown;
  const auto check_literal = [&](std::string_view text) {
    if (!unknown && text.find('{') != text.npos) unknown = "{";
  };
  const auto check_slot = [&](std::string_view name) {
    if (unknown || std::find(kSlots.begin(), kSlots.end(), name) != kSlots.end()) return;
    unknown = "{" + std::string(name) + "}";
  };
  walk_template(prompt_template, check_literal, check_slot);
  return unknown;
}

bool job::has_slot(std::string_view prompt_template, std::string_view slot) {
  bool found = false;
  walk_template(
      prompt_template, [](std::string_view) {},
      [&](std::string_view name) { found = found || name == slot; });
  return found;
}

std::string_view job::stance_name(Stance stance) {
  for (const StanceWords& entry : kStances) {
    if (entry.stance == stance) return entry.name;
  }
  PIROUETTE_CHECK(!"a stance without a name");
  return {};
}

std::optional<Stance> job::find_stance(std::string_view name) {
  for (const StanceWords& entry : kStances) {
    if (entry.name == name) return entry.stance;
  }
  return std::nullopt;
}

std::vector<std::string> job::stance_names() {
  std::vector<std::string> names;
  for (const StanceWords& entry : kStances) names.emplace_back(entry.name);
  return names;
}

std::string_view default_prompt_template() {
  return "{triggers}, create a {view} of this character, one single full-body figure, {geometry}, "
         "{stance}, pure white background, no shadows, no text, clear empty space above the hair "
         "and below the shoes, same body proportions, outfit, colours and line style as the "
         "reference. {identity_notes} {correction}";
}

std::string make_prompt(const Recipe& recipe, const View& view, std::string_view identity_notes,
                        std::string_view correction) {
  std::string filled;
  const auto fill = [&](std::string_view slot) {
    if (slot == "view") filled += view.name;
    if (slot == "geometry") filled += view.geometry;
    if (slot == "stance") filled += stance_words(recipe.stance);
    if (slot == "triggers") filled += join_triggers(recipe.loras);
    if (slot == "identity_notes") filled += identity_notes;
    if (slot == "correction") filled += correction;
  };
  walk_template(
      recipe.prompt, [&](std::string_view text) { filled += text; }, fill);
  return fold(filled);
}

RenderSpec make_render_spec(const Recipe& recipe, const View& view, const Digest& reference,
                            std::string_view identity_notes, std::string_view correction,
                            std::uint64_t seed) {
  RenderSpec spec;
  spec.model = recipe.model;
  spec.loras = recipe.loras;
  spec.prompt = make_prompt(recipe, view, identity_notes, correction);
  spec.negative_prompt = recipe.negative_prompt;
  spec.true_cfg = recipe.true_cfg;
  spec.reference = reference;
  spec.reference_size = recipe.reference_size;
  spec.width = recipe.width;
  spec.height = recipe.height;
  spec.steps = recipe.steps;
  spec.guidance = recipe.guidance;
  spec.seed = seed;
  spec.max_sequence_length = recipe.max_sequence_length;
  spec.step_cache = recipe.step_cache;
  return spec;
}

}  // namespace pirouette
