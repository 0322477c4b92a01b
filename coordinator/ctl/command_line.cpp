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
  std::filesystem::path out;
  std::string worker;
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
      "Send a folder of reference pictures (.png, .jpg, .webp), one per character, as a batch. "
      "The\n"
      "file's name is the character's; NAME.txt beside it may hold notes on the character's looks.",
      "pirouette submit characters/ --recipe recipe.json --name \"Season 2\" --wait",
      [&typed](Client& client, Console& console) { return submit(client, typed.submit, console); });
  command->add_option("folder", options.folder, "Where the references are")->required();
  command->add_option("--recipe", options.recipe,
                      "Model, LoRAs, views, size, steps as JSON (schema/recipe.schema.json)");
  command->add_option("--name", options.name, "For people; the folder's name if not given");
  command->add_option("--owner", options.owner,
                      "Who it is for: owners share the farm fairly; you, if not given");
  command->add_option("--priority", options.priority, "0 (last) to 100 (first)")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  command->add_option("--deadline", options.deadline,
                      "When it should be ready, as 2026-03-01T09:00:00Z or with +01:00");
  command->add_flag("--dry-run", options.dry_run, "Print the prompts and send nothing");
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
      "pirouette fetch 7 --out delivery/", [&typed](Client& client, Console& console) {
        return fetch(client, typed.batch, typed.out, console);
      });
  fetch_command->add_option("batch", typed.batch, "The batch's number")->required();
  fetch_command->add_option("--out", typed.out, "Folder to write to; NAME_NUMBER if not given");
  add_command(
      app, chosen, "cancel", "Render no more of a batch; what is done stays.", "pirouette cancel 7",
      [&typed](Client& client, Console& console) { return cancel(client, typed.batch, console); })
      ->add_option("batch", typed.batch, "The batch's number")
      ->required();
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

void add_question_commands(CLI::App& app, Typed& typed, Command& chosen) {
  add_command(app, chosen, "explain",
              "Why a job waits or failed, what a sheet lacks, why a worker idles, and what would\n"
              "change it.",
              "pirouette explain job 12;  pirouette explain worker gpu-7",
              [&typed](Client& client, Console& console) {
                return explain(client, typed.subject, console);
              })
      ->add_option("subject", typed.subject,
                   "batch, sheet or job and its number, worker and its "
                   "name; also as job/12")
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
  add_worker_commands(app, typed, chosen);
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
