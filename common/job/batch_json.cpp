// Batches as JSON. A character's name becomes a file's name, so names that differ only in upper and
// lower case are the same name: some file systems think so.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "common/job/names.h"
#include "common/job/recipe_json.h"
#include "common/job/sheet_views.h"

namespace pirouette {
namespace {

using job::Complaints;
using job::Fields;
using nlohmann::json;
using nlohmann::ordered_json;
using Need = job::Fields::Need;

void read_digest(Fields& fields, std::string_view field, Digest& out, Need need) {
  std::string text;
  fields.text(field, text, kNameMaxBytes, need);
  if (text.empty()) return;
  const Result<Digest> digest = parse_digest(text);
  if (!digest.ok()) {
    return fields.complain(field,
                           "must be the SHA-256 of an uploaded picture (64 hexadecimal digits), "
                           "not " +
                               job::in_quotes(text));
  }
  out = digest.value();
}

// A set's name, or ids of views.
Result<PoseSet> find_wanted(const json& value, const Recipe& recipe) {
  if (value.is_string()) return find_pose_set(recipe, value.get<std::string>());
  std::vector<std::string> ids;
  bool all_texts = value.is_array() && value.size() <= kPoseSetMaxViews;
  for (std::size_t i = 0; all_texts && i < value.size(); ++i) {
    all_texts = value[i].is_string();
    if (all_texts) ids.push_back(value[i].get<std::string>());
  }
  if (!all_texts) {
    return Error{Errc::invalid, "must be one of " + job::listed(pose_set_names()) +
                                    " or an array of up to " + std::to_string(kPoseSetMaxViews) +
                                    " views' ids"};
  }
  return find_views(recipe, ids);
}

// Empty for the recipe's own views.
PoseSet read_wanted(Fields& fields, const Recipe& recipe) {
  const json* value = fields.find("pose_set");
  if (value == nullptr) return {};
  Result<PoseSet> wanted = find_wanted(*value, recipe);
  if (wanted.ok()) return std::move(wanted).value();
  fields.complain("pose_set", "cannot be used: " + wanted.error().what);
  return {};
}

struct ReadSheet {
  SheetSpec sheet;
  PoseSet wanted;
};

ReadSheet read_sheet(const json& value, const std::string& path, const Recipe& recipe,
                     Complaints& complaints) {
  SheetSpec sheet;
  Fields fields(value, path, complaints);
  fields.text("character", sheet.character, kNameMaxBytes, Need::required);
  if (const std::string fault = find_fault(sheet.character);
      !sheet.character.empty() && !fault.empty()) {
    fields.complain("character",
                    fault + ", as " + job::in_quotes(sheet.character) + " does: it names files");
  }
  read_digest(fields, "reference", sheet.reference, Need::required);
  read_digest(fields, "original", sheet.original, Need::optional);
  fields.text("notes", sheet.notes, kPromptMaxBytes);
  std::uint64_t seed = 0;
  if (fields.seed("seed", seed)) sheet.seed = seed;
  int priority = -1;
  fields.whole("priority", priority, 0, 100);
  if (priority >= 0) sheet.priority = priority;
  PoseSet wanted = read_wanted(fields, recipe);
  fields.finish();
  return {std::move(sheet), std::move(wanted)};
}

void read_sheets(Fields& fields, BatchSpec& batch, Complaints& complaints) {
  const json* sheets = fields.array("sheets", 1, kBatchMaxSheets, Need::required);
  if (sheets == nullptr) return;
  std::set<std::string> characters;
  std::vector<PoseSet> wanted;
  batch.sheets.reserve(sheets->size());
  for (std::size_t i = 0; i < sheets->size(); ++i) {
    const std::string path = fields.path("sheets") + "[" + std::to_string(i) + "]";
    ReadSheet read = read_sheet((*sheets)[i], path, batch.recipe, complaints);
    batch.sheets.push_back(std::move(read.sheet));
    wanted.push_back(std::move(read.wanted));
    const std::string& character = batch.sheets.back().character;
    if (!character.empty() && !characters.insert(lower_case(character)).second) {
      complaints.add(path + ".character", "is " + job::in_quotes(character) +
                                              " a second time; each character of a batch needs "
                                              "its own name, whatever its case");
    }
  }
  if (!complaints.none()) return;  // views of a recipe with mistakes mean nothing
  if (const Result<void> settled = settle_views(batch, wanted); !settled.ok()) {
    fields.complain("sheets", "cannot be one batch: " + settled.error().what);
  }
}

void read_deadline(Fields& fields, BatchSpec& batch) {
  std::string text;
  const json* value = fields.find("deadline");
  if (value == nullptr || value->is_null()) return;
  fields.text("deadline", text, kNameMaxBytes);
  if (text.empty()) return;
  const Result<Instant> instant = parse_rfc3339(text);
  if (!instant.ok()) return fields.complain("deadline", instant.error().what);
  batch.deadline = Instant{instant.value().us / 1000 * 1000};  // as it is written: milliseconds
}

}  // namespace

Result<BatchSpec> parse_batch(std::string_view text) {
  Result<json> value = job::parse_json(text, kBatchMaxBytes);
  if (!value.ok()) return std::move(value).error().with("the batch");
  Complaints complaints;
  BatchSpec batch;
  Fields fields(value.value(), "", complaints);
  fields.text("name", batch.name, kNameMaxBytes, Need::required);
  fields.text("owner", batch.owner, kNameMaxBytes);
  fields.whole("priority", batch.priority, 0, 100);
  read_deadline(fields, batch);
  fields.flag("idle_only", batch.idle_only);
  const json* recipe = fields.find("recipe");
  batch.recipe =
      job::read_recipe(recipe == nullptr ? json::object() : *recipe, "recipe", complaints);
  read_sheets(fields, batch, complaints);
  fields.finish();
  if (!complaints.none()) return complaints.error();
  return batch;
}

std::string to_json(const BatchSpec& batch) {
  ordered_json sheets = ordered_json::array();
  for (const SheetSpec& sheet : batch.sheets) {
    ordered_json written = {{"character", sheet.character},
                            {"reference", to_hex(sheet.reference)},
                            {"notes", sheet.notes}};
    if (sheet.original) written["original"] = to_hex(sheet.original);
    if (sheet.seed) written["seed"] = *sheet.seed;
    if (sheet.priority) written["priority"] = *sheet.priority;
    for (const std::uint32_t view : sheet.views) {
      written["pose_set"].push_back(batch.recipe.views[view].id);
    }
    sheets.push_back(std::move(written));
  }
  ordered_json written = {{"name", batch.name}};
  if (!batch.owner.empty()) written["owner"] = batch.owner;
  written["priority"] = batch.priority;
  if (batch.deadline) written["deadline"] = to_rfc3339(*batch.deadline);
  if (batch.idle_only) written["idle_only"] = true;
  written["recipe"] = job::write_recipe(batch.recipe);
  written["sheets"] = std::move(sheets);
  return job::dump(written);
}

}  // namespace pirouette
