#include "coordinator/ctl/dry_run.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "coordinator/ctl/deadline.h"
#include "coordinator/ctl/format.h"
#include "coordinator/ctl/pace.h"

namespace pirouette::ctl {
namespace {

struct Cost {
  std::uint64_t sheets = 0, jobs = 0, steps = 0;
  double megapixel_steps = 0;  // what the time goes with
};

std::vector<const View*> views_of(const BatchSpec& batch, const SheetSpec& sheet) {
  std::vector<const View*> views;
  if (sheet.views.empty()) {
    for (const View& view : batch.recipe.views) views.push_back(&view);
  }
  for (const std::uint32_t view : sheet.views) views.push_back(&batch.recipe.views[view]);
  return views;
}

Cost cost_of(const BatchSpec& batch) {
  Cost cost;
  cost.sheets = batch.sheets.size();
  for (const SheetSpec& sheet : batch.sheets) cost.jobs += views_of(batch, sheet).size();
  cost.steps = cost.jobs * passes_of(batch.recipe);
  cost.megapixel_steps =
      static_cast<double>(cost.steps) * batch.recipe.width * batch.recipe.height / 1'000'000;
  return cost;
}

std::string prompt_of(const BatchSpec& batch, const SheetSpec& sheet, const View& view) {
  return make_prompt(batch.recipe, view, sheet.notes, "");
}

std::int64_t seconds_in_all(const Pace& pace, std::uint64_t jobs) {
  return std::llround(pace.job_seconds * static_cast<double>(jobs) /
                      static_cast<double>(std::max<std::uint64_t>(pace.workers, 1)));
}

std::string one_decimal(double number) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.1f", number);
  return text.data();
}

std::string time_line(const Result<std::optional<Pace>>& measured, const Cost& cost) {
  if (!measured.ok()) return "not known: " + measured.error().what;
  if (!measured.value()) {
    return "no measure yet: no job of this model at this size has been rendered here";
  }
  const Pace& pace = *measured.value();
  const std::string each = one_decimal(pace.job_seconds) + " s a job, as measured in batch " +
                           std::to_string(pace.batch);
  if (pace.workers == 0) {
    return format_seconds(seconds_in_all(pace, cost.jobs)) + " of one worker at " + each +
           "; no online worker could take it just now";
  }
  std::string line = "about " + format_seconds(seconds_in_all(pace, cost.jobs)) + " on the " +
                     count_of(pace.workers, "worker") + " that could take it, at " + each;
  if (pace.waiting > 0) {
    line += "; " + count_of(pace.waiting, "job") + " of other batches share the farm just now";
  }
  return line;
}

void say_cost(const BatchSpec& batch, const Result<std::optional<Pace>>& pace, Instant now,
              Console& console) {
  const Cost cost = cost_of(batch);
  console.out << "cost: " << count_of(cost.sheets, "sheet") << ", " << count_of(cost.jobs, "job")
              << ", " << count_of(cost.steps, "step") << ", " << std::llround(cost.megapixel_steps)
              << " megapixel-steps\n"
              << "time: " << time_line(pace, cost) << "\n";
  if (batch.deadline)
    console.out << "deadline: " << describe_deadline(*batch.deadline, now) << "\n";
}

void say_sheet(const BatchSpec& batch, const SheetSpec& sheet, Console& console) {
  console.out << "  " << printable(sheet.character) << ": "
              << (sheet.notes.empty() ? "no notes" : printable(sheet.notes));
  if (!sheet.views.empty()) {
    console.out << "; views";
    for (const View* view : views_of(batch, sheet)) console.out << " " << view->id;
  }
  if (sheet.seed) console.out << "; seed " << *sheet.seed;
  if (sheet.priority) console.out << "; priority " << *sheet.priority;
  console.out << "\n";
}

// One character's prompts in full. The others' differ in the notes only, so those are said. The
// character shown is the one with the most views.
void say_prompts(const BatchSpec& batch, Console& console) {
  const auto shown = std::ranges::max_element(
      batch.sheets, {}, [&](const SheetSpec& sheet) { return views_of(batch, sheet).size(); });
  console.out << "\nprompts of " << printable(shown->character) << ":\n";
  for (const View* view : views_of(batch, *shown)) {
    console.out << "\n  " << view->id << ", " << view->azimuth_deg << "°\n    "
                << printable(prompt_of(batch, *shown, *view)) << "\n";
  }
  if (batch.sheets.size() == 1) return;
  console.out << "\nthe same for these, with their own notes:\n";
  for (const SheetSpec& sheet : batch.sheets) {
    if (&sheet != &*shown) say_sheet(batch, sheet, console);
  }
}

void say(const BatchSpec& batch, const Result<std::optional<Pace>>& pace, Instant now,
         Console& console) {
  const Recipe& recipe = batch.recipe;
  console.out << "nothing sent. \"" << printable(batch.name) << "\" would be "
              << count_of(batch.sheets.size(), "sheet") << " of " << recipe.pose_set << " ("
              << count_of(recipe.views.size(), "view") << "), with " << recipe.model;
  for (const RecipeLora& lora : recipe.loras) console.out << " + " << lora.name;
  console.out << " at " << recipe.width << "x" << recipe.height << ", "
              << count_of(static_cast<std::uint64_t>(recipe.steps), "step") << ".\n"
              << "The pictures' formats and sizes are checked; whether each is whole, the farm "
                 "sees when it decodes them.\n";
  say_cost(batch, pace, now, console);
  say_prompts(batch, console);
}

// Every prompt of every character.
Json as_json(const BatchSpec& batch, const std::vector<std::string>& warnings,
             const Result<std::optional<Pace>>& pace) {
  Json sheets = Json::array();
  for (const SheetSpec& sheet : batch.sheets) {
    Json prompts = Json::object();
    for (const View* view : views_of(batch, sheet)) {
      prompts[view->id] = prompt_of(batch, sheet, *view);
    }
    sheets.push_back({{"character", sheet.character},
                      {"notes", sheet.notes},
                      {"seed", sheet.seed ? Json(*sheet.seed) : Json()},
                      {"priority", sheet.priority.value_or(batch.priority)},
                      {"prompts", std::move(prompts)}});
  }
  const Cost cost = cost_of(batch);
  const bool known = pace.ok() && pace.value() && pace.value()->workers > 0;
  return {{"name", batch.name},
          {"owner", batch.owner},
          {"priority", batch.priority},
          {"deadline", batch.deadline ? Json(to_rfc3339(*batch.deadline)) : Json()},
          {"recipe", Json::parse(to_json(batch.recipe))},
          {"warnings", warnings},
          {"cost",
           {{"sheets", cost.sheets},
            {"jobs", cost.jobs},
            {"steps", cost.steps},
            {"megapixel_steps", cost.megapixel_steps},
            {"seconds", known ? Json(seconds_in_all(*pace.value(), cost.jobs)) : Json()}}},
          {"sheets", std::move(sheets)}};
}

}  // namespace

void dry_run(Client& client, const BatchSpec& batch, const Recipe& pinned,
             const std::vector<std::string>& warnings, Instant now, Console& console) {
  const auto pace = measure_pace(client, pinned);
  if (console.json) {
    console.out << as_json(batch, warnings, pace).dump() << "\n";
  } else {
    say(batch, pace, now, console);
  }
}

}  // namespace pirouette::ctl
