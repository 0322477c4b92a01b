#include "coordinator/ctl/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>

#include "common/result.h"

namespace pirouette::ctl {
namespace {

constexpr const char* kDefaultServer = "http://127.0.0.1:8080";

constexpr const char* kFooter =
    "Exit codes: 0 done; 1 failed; 2 the command line makes no sense; 3 the coordinator cannot be\n"
    "reached; 4 the batch has gaps, was cancelled or is not finished.\n"
    "The server is --server, else $PIROUETTE_SERVER, else http://127.0.0.1:8080.\n"
    "Examples: pirouette submit characters/ --wait;  pirouette COMMAND --help";

struct Typed {
  std::string server;
  bool json = false;
  SubmitOptions submit;
  std::optional<std::uint64_t> any_batch;
  std::uint64_t batch = 0;
  FetchOptions fetch;
  std::string worker;
  std::string what;  // batch, sheet or pose
  std::vector<std::string> several;
  std::string note;
  int number = 0;
  RerollOptions reroll;
  LoraOptions lora;
  std::vector<std::string> subject;
  std::vector<std::uint64_t> batches;
};

using Command = std::function<Result<Exit>(Client&, Console&)>;

CLI::App* add_command(CLI::App& app, Command& chosen, const char* name, const char* what,
                      const char* example, Command run) {
  CLI::App* command = app.add_subcommand(name, what);
  command->footer("Also takes --server URL and --json.\nExample: " + std::string(example));
  command->callback([&chosen, run = std::move(run)] { chosen = run; });
  return command;
}

void add_submit(CLI::App& app, Typed& typed, Command& chosen) {
  SubmitOptions& options = typed.submit;
  CLI::App* command = add_command(
      app, chosen, "submit",
      "Send characters as one batch. WHAT is one of\n"
      "  a folder    of reference pictures (.png, .jpg, .webp): a file's name is the character's,\n"
      "              NAME.txt beside it may hold notes on the character's looks\n"
      "  a CSV       with any of the columns character, reference, notes, pose_set, seed, "
      "priority\n"
      "  batch.json  as the API takes it; references and recipe may be paths",
      "pirouette submit characters/ --recipe recipe.json --name \"Season 2\" --wait",
      [&typed](Client& client, Console& console) { return submit(client, typed.submit, console); });
  command->add_option("what", options.what, "A folder, a CSV or a batch as JSON")->required();
  command->add_option("--recipe", options.recipe,
                      "Model, LoRAs, views, size, steps as JSON (schema/recipe.schema.json)");
  command->add_option("--name", options.name, "For people; the folder's or file's if not given");
  command->add_option("--owner", options.owner,
                      "Who it is for: owners share the farm fairly; you, if not given");
  command->add_option("--priority", options.priority, "0 (last) to 100 (first); 50 if not given")
      ->check(CLI::Range(0, 100));
  command->add_flag("--idle-only", options.idle_only, "Take only workers that find nothing else");
  command->add_option("--deadline", options.deadline,
                      "When it should be ready: 09:00, \"tomorrow 09:00\", \"2026-03-01 09:00\" "
                      "(local time) or 2026-03-01T09:00:00Z");
  command->add_option(
      "--key", options.key,
      "Any text of your own: what is submitted twice with one key becomes one batch");
  command->add_flag("--dry-run", options.dry_run,
                    "Check everything, print the prompts and the cost, and send nothing");
  command->add_flag("--uncropped", options.uncropped,
                    "Let the model see the pictures (PNG) as they are, with the room around their "
                    "figures; for LoRAs that were trained so");
  command->add_flag("--wait", options.wait, "Then watch it until it ends");
}

void add_batch_commands(CLI::App& app, Typed& typed, Command& chosen) {
  add_command(app, chosen, "status", "How the farm is, or how one batch is and what failed.",
              "pirouette status 7",
              [&typed](Client& client, Console& console) {
                return status(client, typed.any_batch, console);
              })
      ->add_option("batch", typed.any_batch, "A batch's number; the newest ones if not given");
  add_command(
      app, chosen, "watch", "Follow a batch until it ends.", "pirouette watch 7",
      [&typed](Client& client, Console& console) { return watch(client, typed.batch, console); })
      ->add_option("batch", typed.batch, "The batch's number")
      ->required();
  CLI::App* fetch_command = add_command(
      app, chosen, "fetch",
      "Take a batch's pictures home. Each is checked; what is there already is not fetched again.",
      "pirouette fetch 7 --out delivery/ --only sheets",
      [&typed](Client& client, Console& console) { return fetch(client, typed.fetch, console); });
  FetchOptions& options = typed.fetch;
  fetch_command->add_option("batch", options.batch, "The batch's number")->required();
  fetch_command->add_option("--out", options.folder,
                            "Folder to write to; NAME_NUMBER if not given");
  fetch_command
      ->add_option("--only", options.kinds, "sheets, views or thumbnails; may be given again")
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"sheets", "views", "thumbnails"}));
  fetch_command->add_option("--jobs", options.jobs, "Files at a time")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
}

void add_batch_changes(CLI::App& app, Typed& typed, Command& chosen) {
  add_command(
      app, chosen, "cancel", "Render no more of a batch or a sheet; what is done stays.",
      "pirouette cancel 7;  pirouette cancel 7/knight",
      [&typed](Client& client, Console& console) { return cancel(client, typed.what, console); })
      ->add_option("what", typed.what, "A batch's number, BATCH/CHARACTER or sheet/NUMBER")
      ->required();
  for (const bool paused : {true, false}) {
    add_command(
        app, chosen, paused ? "pause" : "resume",
        paused ? "Begin nothing more of a batch until it is resumed." : "Let a paused batch go on.",
        paused ? "pirouette pause 7" : "pirouette resume 7",
        [&typed, paused](Client& client, Console& console) {
          return pause(client, typed.what, paused, console);
        })
        ->add_option("batch", typed.what, "The batch's number")
        ->required();
  }
  CLI::App* priority =
      add_command(app, chosen, "priority", "Move a batch up or down the queue.",
                  "pirouette priority 7 90", [&typed](Client& client, Console& console) {
                    return set_priority(client, typed.what, typed.number, console);
                  });
  priority->add_option("batch", typed.what, "The batch's number")->required();
  priority->add_option("priority", typed.number, "0 (last) to 100 (first)")
      ->check(CLI::Range(0, 100))
      ->required();
}

void add_review_commands(CLI::App& app, Typed& typed, Command& chosen) {
  constexpr const char* kPose = "A pose: its number or BATCH/CHARACTER/VIEW";
  for (const bool approved : {true, false}) {
    CLI::App* command =
        add_command(app, chosen, approved ? "approve" : "reject",
                    approved ? "Say that poses, or all of a sheet's, are good."
                             : "Say that poses, or all of a sheet's, are not good.",
                    approved ? "pirouette approve 7/knight"
                             : "pirouette reject 7/knight/back --note \"the cape is gone\"",
                    [&typed, approved](Client& client, Console& console) {
                      return review(client, typed.several, approved, typed.note, console);
                    });
    command
        ->add_option("what", typed.several,
                     "Poses (number or BATCH/CHARACTER/VIEW) and sheets (BATCH/CHARACTER)")
        ->required();
    command->add_option("--note", typed.note, "For those who look next");
  }
  CLI::App* choose_command =
      add_command(app, chosen, "choose", "Show another take of a pose, an earlier one say.",
                  "pirouette choose 7/knight/back 1", [&typed](Client& client, Console& console) {
                    return choose(client, typed.what, typed.number, console);
                  });
  choose_command->add_option("pose", typed.what, kPose)->required();
  choose_command->add_option("take", typed.number, "Its number, from 1 on")
      ->check(CLI::PositiveNumber)
      ->required();
  RerollOptions& options = typed.reroll;
  CLI::App* reroll_command = add_command(
      app, chosen, "reroll",
      "Render poses once more. The sheet is put together again; earlier takes and sheets stay.",
      "pirouette reroll 7/knight/back --note \"the cape hangs to the knees\"",
      [&typed](Client& client, Console& console) { return reroll(client, typed.reroll, console); });
  reroll_command->add_option("pose", options.poses, kPose)->required();
  reroll_command->add_option("--seed", options.seed, "Another than the next one");
  reroll_command->add_option(
      "--note", options.note,
      "What to correct, added to the prompt; the take before's if not given, \"\" for none");
}

void add_worker_commands(CLI::App& app, Typed& typed, Command& chosen) {
  add_command(app, chosen, "workers", "Who renders, on what, and what they do just now.",
              "pirouette workers --json",
              [](Client& client, Console& console) { return workers(client, console); });
  add_command(
      app, chosen, "drain", "Let a worker finish what it has and give it nothing new.",
      "pirouette drain gpu-3",
      [&typed](Client& client, Console& console) { return drain(client, typed.worker, console); })
      ->add_option("worker", typed.worker, "The worker's name or number")
      ->required();
}

void add_model_commands(CLI::App& app, Typed& typed, Command& chosen) {
  add_command(app, chosen, "models",
              "The models and LoRAs that recipes may name, and which workers hold them.",
              "pirouette models",
              [](Client& client, Console& console) { return models(client, console); });
  CLI::App* lora = app.add_subcommand("lora", "LoRAs that travel to the workers by themselves.");
  lora->require_subcommand(1);
  LoraOptions& options = typed.lora;
  CLI::App* add = add_command(
      *lora, chosen, "add",
      "Register a LoRA file under a name. Recipes use the name; workers fetch the file once.",
      "pirouette lora add ink ink-wash.safetensors --trigger \"ink wash\"",
      [&typed](Client& client, Console& console) { return add_lora(client, typed.lora, console); });
  add->add_option("name", options.name, "Letters, digits, '_', '-' and '.'")->required();
  add->add_option("file", options.file, "A .safetensors file")->required();
  add->add_option("--trigger", options.trigger,
                  "Words that it was trained on; recipes without them are warned about");
  add->add_flag("--replace", options.replace,
                "Other bytes may have the name until now; submitted batches keep those");
  add_command(*lora, chosen, "remove",
              "Take the name away. Batches that are submitted already keep the LoRA.",
              "pirouette lora remove ink",
              [&typed](Client& client, Console& console) {
                return remove_lora(client, typed.what, console);
              })
      ->add_option("name", typed.what, "As it was registered")
      ->required();
}

void add_question_commands(CLI::App& app, Typed& typed, Command& chosen) {
  add_command(app, chosen, "explain",
              "Why a job waits or failed, what a sheet lacks, why a worker idles, and what would\n"
              "change it.",
              "pirouette explain 7/knight/back;  pirouette explain worker gpu-7",
              [&typed](Client& client, Console& console) {
                return explain(client, typed.subject, console);
              })
      ->add_option("subject", typed.subject,
                   "batch, sheet or job and its number, worker and its name; also as job/12, or "
                   "as 7/knight/back")
      ->required()
      ->expected(1, 2);
  add_command(
      app, chosen, "verify",
      "Prove from the ledger that each done job has exactly one accepted result, and hash\n"
      "every picture again. Ends with 1 if anything does not hold, and says what to do.",
      "pirouette verify 7",
      [&typed](Client& client, Console& console) { return verify(client, typed.batches, console); })
      ->add_option("batch", typed.batches, "Batches' numbers; all of them if not given");
}

std::string find_server(const std::string& typed) {
  if (!typed.empty()) return typed;
  const char* const set = std::getenv("PIROUETTE_SERVER");
  return set && *set ? set : kDefaultServer;
}

}  // namespace

Exit run(std::vector<std::string> arguments, Console& console) {
  CLI::App app{"Turn characters into turnaround sheets on a Pirouette farm.", "pirouette"};
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", "pirouette " PIROUETTE_VERSION);
  Typed typed;
  Command chosen;
  app.add_option("--server", typed.server, "The coordinator's address");
  app.add_flag("--json", typed.json, "Print JSON, for programs");
  app.fallthrough();  // so that these may also stand behind the command
  add_submit(app, typed, chosen);
  add_batch_commands(app, typed, chosen);
  add_batch_changes(app, typed, chosen);
  add_review_commands(app, typed, chosen);
  add_worker_commands(app, typed, chosen);
  add_model_commands(app, typed, chosen);
  add_question_commands(app, typed, chosen);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return app.exit(error, console.out, console.err) == 0 ? Exit::ok : Exit::usage;
  }
  console.json = typed.json;
  auto client = Client::open(find_server(typed.server));
  if (!client.ok()) {
    console.err << "pirouette: " << client.error().what << "\n";
    return Exit::usage;
  }
  Client connected = std::move(client).value();
  const Result<Exit> ended = chosen(connected, console);
  if (ended.ok()) return ended.value();
  console.err << "pirouette: " << ended.error().what << "\n";
  return exit_of(ended.error());
}

}  // namespace pirouette::ctl
