// A batch as JSON on disk: files in it become what the API wants (a recipe's fields, digests), and
// then the API's own reader judges it, so both refuse the same and in the same words.

#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/job/fields.h"
#include "coordinator/ctl/submission.h"
#include "coordinator/ctl/user.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class BatchFile {
 public:
  BatchFile(const fs::path& file, json& batch, Problems& problems)
      : name_(file.filename().string()),
        folder_(file.parent_path()),
        batch_(batch),
        problems_(problems) {}

  void complain(const std::string& what) { problems_.add(name_, what); }

  void take_recipe(const fs::path& from_options) {
    fs::path file = from_options;
    if (file.empty() && batch_.contains("recipe") && batch_["recipe"].is_string()) {
      file = folder_ / fs::path(batch_["recipe"].get<std::string>());
    }
    if (file.empty()) return;
    const auto recipe = read_recipe(file);
    if (!recipe.ok()) return complain("recipe: " + recipe.error().what);
    batch_["recipe"] = json::parse(to_json(recipe.value()));
  }

  // What the command line says, or what is missing and has a natural value.
  void take_options(const SubmitOptions& options, Instant now) {
    if (!options.name.empty()) batch_["name"] = options.name;
    if (!batch_.contains("name")) batch_["name"] = fs::path(name_).stem().string();
    if (!options.owner.empty()) batch_["owner"] = options.owner;
    if (!batch_.contains("owner")) batch_["owner"] = find_user();
    if (options.priority) batch_["priority"] = *options.priority;
    if (options.idle_only) batch_["idle_only"] = true;
    if (!options.deadline.empty()) {
      batch_["deadline"] = options.deadline;
    }
    if (!batch_.contains("deadline") || !batch_["deadline"].is_string()) return;
    const auto deadline = read_deadline(batch_["deadline"].get<std::string>(), now);
    if (!deadline.ok()) {
      batch_.erase("deadline");
      return complain(deadline.error().what);
    }
    batch_["deadline"] = to_rfc3339(deadline.value());
  }

  // References that are no digests are files. A stand-in of the right form takes their place until
  // the server has them.
  std::vector<Picture> take_references() {
    std::vector<Picture> pictures;
    if (!batch_.contains("sheets") || !batch_["sheets"].is_array()) return pictures;
    for (json& sheet : batch_["sheets"]) {
      Picture picture;
      picture.place = name_ + ": sheets[" + std::to_string(pictures.size()) + "].reference";
      if (sheet.is_object() && sheet.contains("reference") && sheet["reference"].is_string()) {
        const auto reference = sheet["reference"].get<std::string>();
        if (!reference.empty() && !parse_digest(reference).ok()) {
          take_file(folder_ / fs::path(reference), picture);
          sheet["reference"] = to_hex(sha256(reference));
        }
      }
      pictures.push_back(std::move(picture));
    }
    return pictures;
  }

 private:
  void take_file(const fs::path& file, Picture& picture) {
    std::error_code failed;
    if (fs::exists(file, failed)) {
      picture.file = file;
    } else {
      problems_.add(picture.place, "there is no file " + file.string() +
                                       "; paths count from the folder of " + name_);
    }
  }

  std::string name_;
  fs::path folder_;
  json& batch_;
  Problems& problems_;
};

}  // namespace

Submission read_batch_file(const fs::path& file, std::string_view text,
                           const SubmitOptions& options, Instant now, Problems& problems) {
  const std::string name = file.filename().string();
  auto parsed = job::parse_json(text, kBatchMaxBytes);
  if (!parsed.ok() || !parsed.value().is_object()) {
    problems.add(name, parsed.ok() ? "must be one object: {\"name\": …, \"sheets\": […]}"
                                   : parsed.error().what);
    return {};
  }
  json batch = std::move(parsed).value();
  BatchFile reader(file, batch, problems);
  reader.take_recipe(options.recipe);
  reader.take_options(options, now);
  std::vector<Picture> pictures = reader.take_references();
  auto spec = parse_batch(batch.dump());
  if (!spec.ok()) {
    reader.complain(spec.error().what);
    return {{}, std::move(pictures)};
  }
  return {std::move(spec).value(), std::move(pictures)};
}

}  // namespace pirouette::ctl
