// `pirouette submit`: a folder of references becomes a batch.

#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/job/recipe.h"
#include "coordinator/ctl/characters.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"
#include "coordinator/ctl/user.h"

namespace pirouette::ctl {
namespace {

// What the server takes as a reference (schema/openapi.yaml).
constexpr std::size_t kReferenceMaxBytes = 64u << 20;

Result<Recipe> read_recipe(const std::filesystem::path& file) {
  if (file.empty()) return parse_recipe("{}");
  const auto bytes = TRY(read_file(file, kRecipeMaxBytes));
  auto recipe = parse_recipe({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!recipe.ok()) return std::move(recipe).error().with(file.string());
  return recipe;
}

Result<BatchSpec> make_batch(const SubmitOptions& options,
                             const std::vector<Character>& characters) {
  if (characters.size() > kBatchMaxSheets) {
    return Error{Errc::invalid, std::to_string(characters.size()) +
                                    " characters are more than one batch takes (" +
                                    std::to_string(kBatchMaxSheets) + "); split the folder"};
  }
  BatchSpec batch;
  batch.name = options.name;
  if (batch.name.empty()) {
    batch.name = std::filesystem::weakly_canonical(options.folder).filename().string();
  }
  if (batch.name.empty()) batch.name = "batch";
  batch.owner = options.owner.empty() ? find_user() : options.owner;
  batch.priority = options.priority;
  if (!options.deadline.empty()) {
    auto deadline = parse_rfc3339(options.deadline);
    if (!deadline.ok()) return std::move(deadline).error().with("--deadline " + options.deadline);
    batch.deadline = deadline.value();
  }
  batch.recipe = TRY(read_recipe(options.recipe));
  return batch;
}

// A PNG that the server took before as it is need not be sent again. What else a picture became
// there, only the server can say.
Result<Digest> send(Client& client, std::span<const std::uint8_t> picture) {
  const Digest digest = sha256(picture);
  if (TRY(client.has_blob(digest))) return digest;
  return client.send_reference(picture);
}

// client: null for a dry run, which sends nothing and names no reference.
Result<SheetSpec> take_in(Client* client, const Character& character) {
  const auto bytes = TRY(read_file(character.picture, kReferenceMaxBytes));
  SheetSpec sheet{character.name, {}, character.notes, {}};
  if (client) sheet.reference = TRY(send(*client, bytes));
  return sheet;
}

void say_submitted(const Json& answer, Console& console) {
  const std::string id = std::to_string(number_of(answer, "batch"));
  console.out << "batch " << id << " submitted: " << count_of(number_of(answer, "sheets"), "sheet")
              << ", " << count_of(number_of(answer, "jobs"), "job") << "\n"
              << "  watch it:     pirouette watch " << id << "\n"
              << "  take it home: pirouette fetch " << id << "\n";
}

// The batch is in whatever comes of this, so that it cannot be asked about now is no failure.
void warn_of_waiting(Client& client, const Json& answer, Console& console) {
  const auto batch = client.get("/batches/" + std::to_string(number_of(answer, "batch")));
  const std::string waiting = batch.ok() ? waiting_line(batch.value()) : "";
  if (!waiting.empty()) console.err << "pirouette: " << waiting << "\n";
}

std::string prompt_of(const BatchSpec& batch, const SheetSpec& sheet, const View& view) {
  return make_prompt(batch.recipe, view, sheet.notes, "");
}

// Every prompt of every character.
Json dry_run_json(const BatchSpec& batch) {
  Json sheets = Json::array();
  for (const SheetSpec& sheet : batch.sheets) {
    Json prompts = Json::object();
    for (const View& view : batch.recipe.views) prompts[view.id] = prompt_of(batch, sheet, view);
    sheets.push_back(
        {{"character", sheet.character}, {"notes", sheet.notes}, {"prompts", std::move(prompts)}});
  }
  return {{"name", batch.name},
          {"owner", batch.owner},
          {"priority", batch.priority},
          {"recipe", Json::parse(to_json(batch.recipe))},
          {"sheets", std::move(sheets)}};
}

// The first character's prompts in full. The others' differ in the notes only, so those are said.
void say_dry_run(const BatchSpec& batch, Console& console) {
  const std::size_t views = batch.recipe.views.size();
  console.out << "nothing sent. \"" << batch.name << "\" would be "
              << count_of(batch.sheets.size(), "sheet") << " of " << count_of(views, "view") << " ("
              << batch.recipe.pose_set << "), " << count_of(batch.sheets.size() * views, "job")
              << ", with " << batch.recipe.model << " at " << batch.recipe.width << "x"
              << batch.recipe.height << ", "
              << count_of(static_cast<std::uint64_t>(batch.recipe.steps), "step") << ".\n";
  const SheetSpec& first = batch.sheets.front();
  console.out << "\nprompts of " << first.character << ":\n";
  for (const View& view : batch.recipe.views) {
    console.out << "\n  " << view.id << ", " << view.azimuth_deg << "°\n    "
                << printable(prompt_of(batch, first, view)) << "\n";
  }
  if (batch.sheets.size() == 1) return;
  console.out << "\nthe same for these, with their own notes:\n";
  for (std::size_t i = 1; i < batch.sheets.size(); ++i) {
    const SheetSpec& sheet = batch.sheets[i];
    console.out << "  " << sheet.character << ": "
                << (sheet.notes.empty() ? "no notes" : printable(sheet.notes)) << "\n";
  }
}

}  // namespace

Result<Exit> submit(Client& client, const SubmitOptions& options, Console& console) {
  const std::vector<Character> characters = TRY(read_characters(options.folder));
  BatchSpec batch = TRY(make_batch(options, characters));
  for (const Character& character : characters) {
    auto sheet = take_in(options.dry_run ? nullptr : &client, character);
    if (!sheet.ok()) return std::move(sheet).error().with(character.picture.filename().string());
    batch.sheets.push_back(std::move(sheet).value());
    if (console.terminal && !console.json && !options.dry_run) {
      console.out << "\r" << progress_bar(batch.sheets.size(), characters.size(), 20) << " "
                  << batch.sheets.size() << " of " << count_of(characters.size(), "reference")
                  << " uploaded" << std::flush;
    }
  }
  if (options.dry_run) {
    if (console.json) {
      console.out << dry_run_json(batch).dump() << "\n";
    } else {
      say_dry_run(batch, console);
    }
    return Exit::ok;
  }
  if (console.terminal && !console.json) console.out << "\n";

  const Json answer = TRY(client.post("/batches", to_json(batch)));
  if (console.json) {
    console.out << answer.dump() << std::endl;
  } else {
    say_submitted(answer, console);
  }
  if (options.wait) return watch(client, number_of(answer, "batch"), console);
  warn_of_waiting(client, answer, console);
  return Exit::ok;
}

}  // namespace pirouette::ctl
