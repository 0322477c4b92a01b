// Recipes as JSON. A named pose set is written by its name, any other as its views; so what is read
// back is what was written.

#include "common/job/recipe_json.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "common/job/pose_sets.h"
#include "common/job/prompt.h"

namespace pirouette {
namespace {

using job::Complaints;
using job::Fields;
using nlohmann::json;
using nlohmann::ordered_json;
using Need = job::Fields::Need;

constexpr std::string_view kNameCharacters = "_-.";  // besides letters and digits

View read_view(const json& value, const std::string& path, Complaints& complaints) {
  View view;
  Fields fields(value, path, complaints);
  fields.name("id", view.id, "_", Need::required);
  fields.whole("azimuth", view.azimuth_deg, 0, 359, 1, Need::required);
  fields.text("name", view.name, kNameMaxBytes, Need::required);
  fields.text("geometry", view.geometry, kPromptMaxBytes);
  view.shows_side = job::side_shown(view.azimuth_deg);
  view.faces_screen = job::screen_faced(view.azimuth_deg);
  fields.choice("shows_side", view.shows_side, {"front", "left", "back", "right"});
  fields.choice("faces_screen", view.faces_screen, {"viewer", "left", "away", "right"});
  fields.finish();
  return view;
}

void read_pose_set(Fields& fields, Recipe& recipe, Complaints& complaints) {
  const json* value = fields.find("pose_set");
  if (value == nullptr || value->is_string()) {
    if (value != nullptr) recipe.pose_set = value->get<std::string>();
    Result<PoseSet> views = named_pose_set(recipe.pose_set);
    if (!views.ok()) {
      return fields.complain("pose_set", "must be one of " + job::listed(pose_set_names()) +
                                             " or an array of views, not " +
                                             job::in_quotes(recipe.pose_set));
    }
    recipe.views = std::move(views).value();
    return;
  }
  const json* views = fields.array("pose_set", 1, kPoseSetMaxViews);
  if (views == nullptr) return;
  recipe.pose_set = "custom";
  std::set<std::string> ids;
  for (std::size_t i = 0; i < views->size(); ++i) {
    const std::string path = fields.path("pose_set") + "[" + std::to_string(i) + "]";
    recipe.views.push_back(read_view((*views)[i], path, complaints));
    const std::string& id = recipe.views.back().id;
    if (!id.empty() && !ids.insert(id).second) {
      complaints.add(path + ".id", "is " + job::in_quotes(id) + " a second time");
    }
  }
}

// Which bytes of that name.
void read_pin(Fields& fields, RecipeLora& lora) {
  std::string text;
  fields.text("sha256", text, kNameMaxBytes);
  fields.seed("bytes", lora.bytes);
  if (text.empty()) {
    if (lora.bytes > 0) fields.complain("bytes", "is nothing without sha256: leave both out");
    return;
  }
  const Result<Digest> digest = parse_digest(text);
  if (!digest.ok()) {
    return fields.complain("sha256",
                           "must be the SHA-256 of a registered LoRA (64 hexadecimal digits), or "
                           "left out, not " +
                               job::in_quotes(text));
  }
  lora.sha256 = digest.value();
}

void read_loras(Fields& fields, Recipe& recipe, Complaints& complaints) {
  const json* loras = fields.array("loras", 0, kLorasMax);
  if (loras == nullptr) return;
  for (std::size_t i = 0; i < loras->size(); ++i) {
    RecipeLora lora;
    Fields of_lora((*loras)[i], fields.path("loras") + "[" + std::to_string(i) + "]", complaints);
    of_lora.name("name", lora.name, kNameCharacters, Need::required);
    of_lora.number("scale", lora.scale, -kLoraScaleMax, kLoraScaleMax);
    of_lora.text("trigger", lora.trigger, kNameMaxBytes);
    read_pin(of_lora, lora);
    of_lora.finish();
    const auto same = [&](const RecipeLora& other) { return other.name == lora.name; };
    if (!lora.name.empty() && std::any_of(recipe.loras.begin(), recipe.loras.end(), same)) {
      of_lora.complain("name", "is " + job::in_quotes(lora.name) + " a second time");
    }
    recipe.loras.push_back(std::move(lora));
  }
}

void read_required_tags(Fields& fields, Recipe& recipe) {
  const json* tags = fields.array("requires", 0, kTagsMax);
  if (tags == nullptr) return;
  for (const json& tag : *tags) {
    if (!tag.is_string() || !is_tag(tag.get<std::string>())) {
      return fields.complain("requires",
                             "must be tags that workers were given with --tag: letters, digits, "
                             "'_', '-' and '.'");
    }
    recipe.required_tags.push_back(tag.get<std::string>());
  }
}

void read_proof(Fields& fields, Recipe& recipe) {
  fields.text("proof", recipe.proof, kNameMaxBytes);
  const auto is_it = [&](const View& view) { return view.id == recipe.proof; };
  if (!recipe.proof.empty() && std::none_of(recipe.views.begin(), recipe.views.end(), is_it)) {
    std::vector<std::string> ids;
    for (const View& view : recipe.views) ids.push_back(view.id);
    fields.complain("proof", "must be one of the recipe's views (" + job::listed(ids) + "), not " +
                                 job::in_quotes(recipe.proof));
  }
  std::string held = "wait";
  fields.choice("held", held, {"wait", "fill_idle"});
  recipe.held_fills_idle = held == "fill_idle";
  if (recipe.held_fills_idle && recipe.proof.empty()) {
    fields.complain("held",
                    "counts only with a proof: name the view that goes first, or leave "
                    "both out");
  }
}

bool is_side(std::string_view text) {
  int side = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), side);
  return error == std::errc() && end == text.data() + text.size() && side >= kSideMinPx &&
         side <= kSideMaxPx && side % kSideMultiplePx == 0;
}

void read_reference_size(Fields& fields, Recipe& recipe) {
  fields.text("reference_size", recipe.reference_size, kNameMaxBytes, Need::optional);
  const std::string_view size = recipe.reference_size;
  if (size == "auto" || size == "keep") return;
  const std::size_t x = size.find('x');
  if (x != size.npos && is_side(size.substr(0, x)) && is_side(size.substr(x + 1))) return;
  fields.complain("reference_size",
                  "must be auto, keep or WIDTHxHEIGHT (multiples of " +
                      std::to_string(kSideMultiplePx) + " from " + std::to_string(kSideMinPx) +
                      " to " + std::to_string(kSideMaxPx) + "), not " + job::in_quotes(size));
}

void read_step_cache(Fields& fields, Recipe& recipe) {
  std::string text;
  fields.text("step_cache", text, kPromptMaxBytes);
  const Result<StepCache> cache = parse_step_cache(text);
  if (!cache.ok()) return fields.complain("step_cache", "is wrong: " + cache.error().what);
  recipe.step_cache = cache.value();
  const auto& skipped = recipe.step_cache.skipped;
  if (!skipped.empty() && skipped.back() > recipe.steps) {
    fields.complain("step_cache", "skips step " + std::to_string(skipped.back()) + " of " +
                                      std::to_string(recipe.steps));
  }
}

void read_prompts(Fields& fields, Recipe& recipe) {
  fields.text("prompt", recipe.prompt, kPromptMaxBytes);
  if (recipe.prompt.empty()) recipe.prompt = default_prompt_template();
  if (const auto unknown = job::find_unknown_slot(recipe.prompt)) {
    fields.complain("prompt", "has " + job::in_quotes(*unknown) + ", which is no slot (slots: {" +
                                  job::listed(job::slot_names()) + "}, each in its own braces)");
  }
  if (recipe.views.size() > 1 && !job::has_slot(recipe.prompt, "view") &&
      !job::has_slot(recipe.prompt, "geometry")) {
    fields.complain("prompt", "has neither {view} nor {geometry}, so every view would be the same");
  }
  for (const RecipeLora& lora : recipe.loras) {
    const bool stands = job::has_slot(recipe.prompt, "triggers") ||
                        recipe.prompt.find(lora.trigger) != std::string::npos;
    if (stands) continue;
    fields.complain("prompt", "lacks the trigger of the LoRA " + job::in_quotes(lora.name) +
                                  ": put {triggers} where its words belong");
  }
  fields.text("negative_prompt", recipe.negative_prompt, kPromptMaxBytes);
  if (!recipe.negative_prompt.empty() && !(recipe.true_cfg > 1)) {
    fields.complain("negative_prompt",
                    "counts only with a true_cfg above 1, which doubles the cost: set that too, or "
                    "leave both out");
  }
}

ordered_json write_view(const View& view) {
  return {{"id", view.id},
          {"azimuth", view.azimuth_deg},
          {"name", view.name},
          {"geometry", view.geometry},
          {"shows_side", view.shows_side},
          {"faces_screen", view.faces_screen}};
}

ordered_json write_pose_set(const Recipe& recipe) {
  const Result<PoseSet> named = named_pose_set(recipe.pose_set);
  if (named.ok() && (recipe.views.empty() || recipe.views == named.value())) return recipe.pose_set;
  ordered_json views = ordered_json::array();
  for (const View& view : recipe.views) views.push_back(write_view(view));
  return views;
}

}  // namespace

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= kNameMaxBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) ||
                  kNameCharacters.find(c) != std::string_view::npos;
         });
}

Recipe job::read_recipe(const json& value, const std::string& path, Complaints& complaints) {
  Recipe recipe;
  Fields fields(value, path, complaints);
  fields.name("model", recipe.model, kNameCharacters, Need::optional);
  read_loras(fields, recipe, complaints);
  read_pose_set(fields, recipe, complaints);
  fields.whole("width", recipe.width, kSideMinPx, kSideMaxPx, kSideMultiplePx);
  fields.whole("height", recipe.height, kSideMinPx, kSideMaxPx, kSideMultiplePx);
  read_reference_size(fields, recipe);
  fields.whole("steps", recipe.steps, 1, kStepsMax);
  fields.number("guidance", recipe.guidance, 0, kGuidanceMax);
  fields.number("true_cfg", recipe.true_cfg, 1, kTrueCfgMax);
  fields.whole("max_sequence_length", recipe.max_sequence_length, 1, kSequenceLengthMax);
  read_step_cache(fields, recipe);
  std::string stance(stance_name(recipe.stance));
  fields.choice("stance", stance, stance_names());
  recipe.stance = find_stance(stance).value_or(Stance::neutral);
  read_prompts(fields, recipe);
  read_required_tags(fields, recipe);
  read_proof(fields, recipe);
  fields.finish();
  return recipe;
}

ordered_json job::write_recipe(const Recipe& recipe) {
  ordered_json loras = ordered_json::array();
  for (const RecipeLora& lora : recipe.loras) {
    ordered_json written = {{"name", lora.name}, {"scale", lora.scale}, {"trigger", lora.trigger}};
    if (lora.sha256) {
      written["sha256"] = to_hex(lora.sha256);
      written["bytes"] = lora.bytes;
    }
    loras.push_back(std::move(written));
  }
  ordered_json written;
  written["model"] = recipe.model;
  written["loras"] = std::move(loras);
  written["pose_set"] = write_pose_set(recipe);
  written["width"] = recipe.width;
  written["height"] = recipe.height;
  written["reference_size"] = recipe.reference_size;
  written["steps"] = recipe.steps;
  written["guidance"] = recipe.guidance;
  written["true_cfg"] = recipe.true_cfg;
  written["max_sequence_length"] = recipe.max_sequence_length;
  written["step_cache"] = to_text(recipe.step_cache);
  written["stance"] = stance_name(recipe.stance);
  written["prompt"] = recipe.prompt;
  written["negative_prompt"] = recipe.negative_prompt;
  written["requires"] = recipe.required_tags;
  written["proof"] = recipe.proof;
  written["held"] = recipe.held_fills_idle ? "fill_idle" : "wait";
  return written;
}

std::string job::dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Result<Recipe> parse_recipe(std::string_view text) {
  Result<json> value = job::parse_json(text, kRecipeMaxBytes);
  if (!value.ok()) return std::move(value).error().with("the recipe");
  Complaints complaints;
  Recipe recipe = job::read_recipe(value.value(), "recipe", complaints);
  if (!complaints.none()) return complaints.error();
  return recipe;
}

std::string to_json(const Recipe& recipe) { return job::dump(job::write_recipe(recipe)); }

}  // namespace pirouette
