#pragma once
// What `pirouette submit` was pointed at - a folder of pictures, a CSV, a batch as JSON - as one
// batch whose pictures are still files. Everything that can be checked without a server is checked
// here, and all that is wrong is said at once.

#include <filesystem>
#include <string>
#include <vector>

#include "common/job/recipe.h"
#include "common/result.h"
#include "common/time.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/problems.h"

namespace pirouette::ctl {

// Where a sheet's reference comes from.
struct Picture {
  std::filesystem::path file;  // "": the batch names a digest that the server may have
  std::string place;           // what to call it in messages
  Digest original = {};        // of the file's bytes
};

// One character as a folder or a CSV tells of it.
struct Entry {
  SheetSpec sheet;
  PoseSet views;  // empty: the recipe's
  Picture picture;
};

struct Submission {
  BatchSpec batch;
  std::vector<Picture> pictures;  // one a sheet, in their order
  bool uncropped = false;         // what was sent is the reference, not what it became
};

// now: what "09:00" is counted from.
Result<Submission> read_submission(const SubmitOptions& options, Instant now);

// --- one file each ---

std::vector<Entry> read_folder(const std::filesystem::path& folder, Problems& problems);
// text: the file's.
std::vector<Entry> read_manifest(const std::filesystem::path& file, std::string_view text,
                                 const Recipe& recipe, Problems& problems);
// As the API's batch, but its references and its recipe may be files, beside this one or by whole
// path, its deadline as people write it, and what options say wins. Without pictures where there
// are problems.
Submission read_batch_file(const std::filesystem::path& file, std::string_view text,
                           const SubmitOptions& options, Instant now, Problems& problems);

// --- what they share ---

// invalid: all that is wrong with the recipe in the file.
Result<Recipe> read_recipe(const std::filesystem::path& file);
Result<Instant> read_deadline(const std::string& text, Instant now);

}  // namespace pirouette::ctl
