// pirouette-worker: `serve` works for a farm, `render` makes one picture without one, `inspect`
// says what a file is.

#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdint>

#include "common/job/recipe.h"
#include "common/log.h"
#include "worker/engine/flux_engine.h"
#include "worker/inspect_command.h"
#include "worker/link/worker_loop.h"
#include "worker/render_command.h"

namespace {

using namespace pirouette;

link::StopFlag stop_flag;

// The first signal ends the process in order: what it holds goes back to the farm, what it finished
// stays in its outbox. A second one ends it at once.
void on_signal(int number) {
  stop_flag.stop();
  std::signal(number, SIG_DFL);
}

struct ServeOptions {
  link::WorkerConfig worker;
  std::vector<std::string> models, loras;  // NAME=PATH
  std::string tokenizers;
  std::string device = "cpu";
  std::string dtype = "float32";
  std::string weights = "auto";
  int threads = 0;
  std::uint64_t memory_budget_bytes = 0;
  std::string residency = "auto";
  bool keep_text_encoders = false;
  bool debug = false;
};

// A step on the CPU asks for the same large tensors again and again. glibc by itself gives each
// back to the kernel and faults it in anew: measured on one thread, that was half of a step's time.
void keep_freed_memory() {
  constexpr int kMmapAboveBytes = 1 << 30;
  constexpr int kTrimAboveBytes = 2047 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kMmapAboveBytes);
  ::mallopt(M_TRIM_THRESHOLD, kTrimAboveBytes);
}

// "NAME=PATH" -> {name, path}.
Result<std::map<std::string, std::filesystem::path>> parse_named_paths(
    const std::string& option, const std::vector<std::string>& texts) {
  std::map<std::string, std::filesystem::path> paths;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
      return Error{Errc::invalid, option + " " + text + ": write it as NAME=PATH"};
    }
    if (!paths.emplace(text.substr(0, equals), text.substr(equals + 1)).second) {
      return Error{Errc::invalid, option + " " + text + ": this name is given twice"};
    }
  }
  return paths;
}

Result<void> check_tags(const std::vector<std::string>& tags) {
  if (tags.size() > kTagsMax) {
    return Error{Errc::invalid, "a worker has " + std::to_string(kTagsMax) + " tags at most"};
  }
  for (const std::string& tag : tags) {
    if (is_tag(tag)) continue;
    return Error{Errc::invalid, "--tag " + tag + ": a tag is letters, digits, '_', '-' and '.'"};
  }
  return {};
}

Result<void> serve(const ServeOptions& options) {
  engine::FluxEngineConfig config;
  TRY(check_tags(options.worker.tags));
  config.models = TRY(parse_named_paths("--model", options.models));
  config.loras = TRY(parse_named_paths("--lora", options.loras));
  if (!options.tokenizers.empty()) config.tokenizers = options.tokenizers;
  config.device = options.device;
  config.dtype = options.dtype;
  config.weights = TRY(engine::parse_weights_as(options.weights));
  config.threads = options.threads;
  config.memory_budget_bytes = options.memory_budget_bytes;
  config.residency = TRY(engine::parse_residency_mode(options.residency));
  config.keep_text_encoders = options.keep_text_encoders;
  config.cache_folder = options.worker.folder / "engine";
  config.fetched_loras = options.worker.lora_folder();
  const std::unique_ptr<engine::Engine> engine = TRY(engine::make_flux_engine(config));
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  return link::run(options.worker, *engine, stop_flag);
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "worker";
}

void add_memory_options(CLI::App& command, ServeOptions& options) {
  command
      .add_option("--memory-budget", options.memory_budget_bytes,
                  "Of the device, for models and renderings: 40G, 900M; 0: what is free at the "
                  "start")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->capture_default_str();
  command
      .add_option("--residency", options.residency,
                  "How weights are kept: auto (by the budget), pristine-on-device, "
                  "pristine-on-host, merged-only")
      ->capture_default_str();
  command.add_flag("--keep-text-encoders", options.keep_text_encoders,
                   "Keep them on the device between prompts (9.5 GB); else they come for a new "
                   "prompt and go");
}

void add_lora_options(CLI::App& command, ServeOptions& options) {
  command.add_option("--lora", options.loras,
                     "NAME=FILE; repeatable. Those that are registered at the coordinator come by "
                     "themselves");
  command.add_option("--lora-cache", options.worker.lora_cache,
                     "Where fetched LoRAs are kept, one worker a folder; in --folder if not given");
  command
      .add_option("--lora-cache-size", options.worker.lora_cache_max_bytes,
                  "Of that folder: 20G, 900M; what was used longest ago goes. 0: fetch none")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->check(CLI::Range(std::uint64_t{0}, kLoraCacheMaxBytes))
      ->capture_default_str();
}

void add_serve_command(CLI::App& app, ServeOptions& options) {
  CLI::App* command = app.add_subcommand(
      "serve",
      "Work for a farm until stopped. SIGTERM hands back what is in hand and ends.\n"
      "Example: pirouette-worker serve --coordinator tcp://farm:5571 --blobs tcp://farm:5572 \\\n"
      "  --key worker.key --folder /var/lib/pirouette-worker \\\n"
      "  --model flux1-kontext-dev=/models/FLUX.1-Kontext-dev \\\n"
      "  --lora turnaround=/models/kontext-turnaround-sheet-v1.safetensors");
  options.worker.name = host_name();
  options.worker.control_endpoint = "tcp://127.0.0.1:5571";
  options.worker.blob_endpoint = "tcp://127.0.0.1:5572";
  command->add_option("--name", options.worker.name, "The farm knows this worker by it")
      ->capture_default_str();
  command->add_option("--coordinator", options.worker.control_endpoint, "tcp://HOST:PORT")
      ->capture_default_str();
  command->add_option("--blobs", options.worker.blob_endpoint, "tcp://HOST:PORT")
      ->capture_default_str();
  command->add_option("--key", options.worker.key_file,
                      "worker.key, made by the coordinator in its keys/ folder; without it the "
                      "link is plain, which only a coordinator with --plain takes");
  command
      ->add_option("--folder", options.worker.folder,
                   "Results not yet handed in, and fetched references; one worker a folder")
      ->required();
  command->add_option("--tag", options.worker.tags,
                      "What recipes may require of a worker: 80gb, night; repeatable");
  command
      ->add_option("--prefetch", options.worker.prefetch, "Jobs taken beyond the one that renders")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  command
      ->add_option("--model", options.models,
                   "NAME=PATH of a diffusers folder, ComfyUI's models/, or a transformer's file; "
                   "repeatable")
      ->required();
  command->add_option("--tokenizers", options.tokenizers,
                      "Folder with tokenizer/ and tokenizer_2/; the model's own, or its "
                      "tokenizers/, unless given");
  add_lora_options(*command, options);
  command->add_option("--device", options.device, "cpu, cuda, cuda:1 …; one worker a device")
      ->capture_default_str();
  command->add_option("--dtype", options.dtype)
      ->check(CLI::IsMember({"float32", "bfloat16"}))
      ->capture_default_str();
  command
      ->add_option("--weights", options.weights,
                   "auto (float8 on a card below 32 GB), wide (of --dtype), float8: half the "
                   "memory and quicker, other pictures")
      ->check(CLI::IsMember({"auto", "wide", "float8"}))
      ->capture_default_str();
  command->add_option("--threads", options.threads, "CPU threads of the engine; 0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  add_memory_options(*command, options);
  command->add_flag("--debug", options.debug, "Log more");
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  CLI::App app{"Renders character views with FLUX.1 Kontext and a turnaround LoRA."};
  app.require_subcommand(1);
  ServeOptions options;
  add_serve_command(app, options);
  RenderCommand render(app);
  InspectCommand inspect(app);
  CLI11_PARSE(app, argc, argv);

  if (options.debug) log::set_level(log::Level::debug);
  const Result<void> outcome = app.got_subcommand("serve")     ? serve(options)
                               : app.got_subcommand("inspect") ? inspect.run()
                                                               : render.run();
  if (!outcome.ok()) {
    log::error("worker", outcome.error().what);
    return 1;
  }
  return 0;
}
