#pragma once
// The commands of `pirouette`, one file each. A command says what it does to Console and returns
// how the program ends; an Error is printed by main as one sentence.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "common/result.h"
#include "coordinator/ctl/client.h"
#include "coordinator/ctl/exit.h"

namespace pirouette::ctl {

struct Console {
  std::ostream& out;
  std::ostream& err;
  bool json = false;      // out gets JSON and nothing else
  bool terminal = false;  // out can draw over a line
};

struct SubmitOptions {
  std::filesystem::path what;    // a folder, a CSV, a batch as JSON
  std::filesystem::path recipe;  // "": the defaults
  std::string name;              // "": the folder's or the file's
  std::string owner;             // "": who runs this
  std::optional<int> priority;
  bool idle_only = false;
  std::string deadline;  // as deadline.h reads it; "": none
  std::string key;       // what makes a batch be made once; "": a new one
  bool dry_run = false, wait = false;
  bool uncropped = false;  // workers get the pictures as they were sent
};
Result<Exit> submit(Client& client, const SubmitOptions& options, Console& console);

// batch: none for the list of the newest ones.
Result<Exit> status(Client& client, std::optional<std::uint64_t> batch, Console& console);

// One line for each pose of the sheets that failed, up to a screenful.
void say_failures(const Json& sheets, Console& console);

// Ends with what failed. Returns when the batch is finished or cancelled. Goes on while the
// coordinator restarts.
Result<Exit> watch(Client& client, std::uint64_t batch, Console& console);

struct FetchOptions {
  std::uint64_t batch = 0;
  std::filesystem::path folder;    // "": one named after the batch
  std::vector<std::string> kinds;  // of "sheets", "views", "thumbnails"; none: all
  std::size_t jobs = 4;            // files at a time
};
Result<Exit> fetch(Client& client, const FetchOptions& options, Console& console);

Result<Exit> workers(Client& client, Console& console);
Result<Exit> models(Client& client, Console& console);

struct LoraOptions {
  std::string name;
  std::filesystem::path file;
  std::optional<std::string> trigger;  // none: what it has, if it is there already
  bool replace = false;
};
Result<Exit> add_lora(Client& client, const LoraOptions& options, Console& console);
Result<Exit> remove_lora(Client& client, const std::string& name, Console& console);

// subject: {"job", "12"} or {"job/12"}; also batch, sheet and worker (by id or name).
Result<Exit> explain(Client& client, const std::vector<std::string>& subject, Console& console);
// batches: none for all. Ends with failed if anything does not hold.
Result<Exit> verify(Client& client, std::vector<std::uint64_t> batches, Console& console);

// A worker's id, by its id or its name. not_found names those there are.
Result<std::uint64_t> find_worker(Client& client, const std::string& worker);
// worker: its id or its name.
Result<Exit> drain(Client& client, const std::string& worker, Console& console);

// --- changes; what they are about is named as subject.h says ---

Result<Exit> cancel(Client& client, const std::string& batch_or_sheet, Console& console);
Result<Exit> pause(Client& client, const std::string& batch, bool paused, Console& console);
Result<Exit> set_priority(Client& client, const std::string& batch, int priority, Console& console);
// Ends with the first that cannot be reviewed; those before it are.
Result<Exit> review(Client& client, const std::vector<std::string>& poses_and_sheets, bool approved,
                    const std::string& note, Console& console);
Result<Exit> choose(Client& client, const std::string& pose, int take, Console& console);

struct RerollOptions {
  std::vector<std::string> poses;
  std::optional<std::uint64_t> seed;  // none: the next one
  std::optional<std::string> note;    // none: as the take before; "": no correction any more
};
Result<Exit> reroll(Client& client, const RerollOptions& options, Console& console);

}  // namespace pirouette::ctl
