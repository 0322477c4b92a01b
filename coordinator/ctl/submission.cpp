// See submission.h: which of the three it is, told by what is there and not by its name alone.

#include "coordinator/ctl/submission.h"

#include "common/files.h"
#include "common/job/sheet_views.h"
#include "common/picture_head.h"
#include "coordinator/ctl/deadline.h"
#include "coordinator/ctl/format.h"
#include "coordinator/ctl/pictures.h"
#include "coordinator/ctl/user.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;

constexpr int kPriorityDefault = 50;

std::string name_of(const fs::path& what, bool is_folder) {
  const fs::path whole = fs::weakly_canonical(what);
  std::string name = (is_folder ? whole : whole.stem()).filename().string();
  // Every studio's are called so; the folder says more.
  if (!is_folder && (name == "manifest" || name == "batch")) {
    name = whole.parent_path().filename().string();
  }
  return name.empty() ? "batch" : name;
}

Result<BatchSpec> make_batch(const SubmitOptions& options, bool is_folder, Instant now) {
  BatchSpec batch;
  batch.name = options.name.empty() ? name_of(options.what, is_folder) : options.name;
  batch.owner = options.owner.empty() ? find_user() : options.owner;
  batch.priority = options.priority.value_or(kPriorityDefault);
  batch.idle_only = options.idle_only;
  if (!options.deadline.empty()) batch.deadline = TRY(read_deadline(options.deadline, now));
  batch.recipe = TRY(read_recipe(options.recipe));
  return batch;
}

void take_entries(std::vector<Entry>&& entries, Submission& submission, Problems& problems) {
  if (entries.size() > kBatchMaxSheets) {
    return problems.add("the batch", std::to_string(entries.size()) +
                                         " characters are more than one batch takes (" +
                                         std::to_string(kBatchMaxSheets) + "); split it");
  }
  std::vector<PoseSet> wanted;
  for (Entry& entry : entries) {
    submission.batch.sheets.push_back(std::move(entry.sheet));
    submission.pictures.push_back(std::move(entry.picture));
    wanted.push_back(std::move(entry.views));
  }
  const auto settled = settle_views(submission.batch, wanted);
  if (!settled.ok()) problems.add("the batch", settled.error().what);
}

Result<std::string> read_text(const fs::path& file) {
  const auto bytes = TRY(read_file(file, kBatchMaxBytes));
  if (read_picture_head(bytes).ok()) {
    return Error{Errc::invalid, file.string() + " is a picture; name the folder that it is in"};
  }
  std::string text(bytes.begin(), bytes.end());
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return Error{Errc::invalid, file.string() + " is UTF-16 text; save it as CSV UTF-8"};
  }
  if (text.find('\0') != text.npos) {
    return Error{Errc::invalid, file.string() +
                                    " is neither a CSV nor JSON; from a spreadsheet, save it as "
                                    "CSV UTF-8"};
  }
  return text;
}

bool is_json(const fs::path& file, std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const std::string start = trim(text.substr(0, 4096));
  return start.starts_with('{') || start.starts_with('[') || file.extension() == ".json";
}

}  // namespace

Result<Recipe> read_recipe(const fs::path& file) {
  if (file.empty()) return parse_recipe("{}");
  const auto bytes = TRY(read_file(file, kRecipeMaxBytes));
  auto recipe = parse_recipe({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!recipe.ok()) return std::move(recipe).error().with(file.string());
  return recipe;
}

Result<Instant> read_deadline(const std::string& text, Instant now) {
  const Instant exact = TRY(parse_deadline(text, now));
  return Instant{exact.us / 1000 * 1000};  // as it is written: milliseconds
}

Result<Submission> read_submission(const SubmitOptions& options, Instant now) {
  std::error_code failed;
  const fs::path& what = options.what;
  if (!fs::exists(what, failed)) {
    return Error{Errc::invalid, "there is no " + what.string() +
                                    "; name a folder of pictures, a CSV or a batch as JSON"};
  }
  Submission submission;
  Problems problems;
  const bool is_folder = fs::is_directory(what, failed);
  const std::string text = is_folder ? "" : TRY(read_text(what));
  if (!is_folder && is_json(what, text)) {
    submission = read_batch_file(what, text, options, now, problems);
  } else {
    submission.batch = TRY(make_batch(options, is_folder, now));
    take_entries(is_folder ? read_folder(what, problems)
                           : read_manifest(what, text, submission.batch.recipe, problems),
                 submission, problems);
  }
  check_pictures(submission.pictures, problems);
  if (!problems.none()) return problems.error();
  return submission;
}

}  // namespace pirouette::ctl
