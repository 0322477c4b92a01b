#include "tests/bench/turnaround/trial.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "common/job/recipe.h"
#include "tests/bench/measure.h"
#include "tests/bench/turnaround/ceiling.h"
#include "worker/engine/flux_engine.h"

namespace pirouette::bench {
namespace {

using characters::Character;
using engine::Engine;

constexpr const char* kModel = "model";
constexpr const char* kLora = "turnaround";

// One character at one scale.
struct Job {
  double scale = 1;
  std::uint64_t seed = 0;
  bool has_notes = false;
};

std::vector<Job> jobs_of(const Setup& setup) {
  std::vector<Job> jobs;
  for (const Setup::Scale& scale : setup.scales) {
    for (int i = 0; i < scale.characters; ++i)
      jobs.push_back({scale.scale, setup.first + static_cast<std::uint64_t>(i), i % 2 == 1});
  }
  return jobs;
}

// The first thing that went wrong on any thread; the others end soon after.
class FirstError {
 public:
  void tell(Error error) {
    const std::scoped_lock lock(mutex_);
    if (!error_) error_ = std::move(error);
    is_told_ = true;
  }
  bool is_told() const { return is_told_; }
  std::optional<Error> take() { return std::move(error_); }

 private:
  std::mutex mutex_;
  std::optional<Error> error_;
  std::atomic<bool> is_told_ = false;
};

// Calls work(next) on so many threads until it has had every number below count.
using Next = std::function<std::optional<std::size_t>()>;
void beside_each_other(int threads, std::size_t count, const FirstError& failed,
                       const std::function<void(const Next&)>& work) {
  std::atomic<std::size_t> given = 0;
  const Next next = [&]() -> std::optional<std::size_t> {
    const std::size_t index = given++;
    if (index >= count || failed.is_told()) return std::nullopt;
    return index;
  };
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back([&] { work(next); });
  for (std::thread& thread : running) thread.join();
}

engine::FluxEngineConfig config_of(const Setup& setup) {
  engine::FluxEngineConfig config;
  config.models[kModel] = setup.model;
  if (!setup.lora.empty()) config.loras[kLora] = setup.lora;
  config.device = setup.device;
  config.dtype = setup.dtype;
  const auto cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  config.threads = std::max(1, cores / setup.threads);
  config.keep_text_encoders = true;  // notes make nearly every prompt another one
  return config;
}

RenderSpec spec_of(const Setup& setup, const Job& job, const View& view, const Character& character,
                   const Digest& reference) {
  Recipe recipe;
  recipe.model = kModel;
  recipe.loras = {{kLora, job.scale, std::string(kTurnaroundTrigger)}};
  recipe.prompt = default_prompt_template();
  recipe.width = setup.size.width;
  recipe.height = setup.size.height;
  recipe.reference_size = "keep";
  recipe.steps = setup.steps;
  recipe.guidance = setup.guidance;
  recipe.max_sequence_length = setup.sequence_length;
  const std::string notes = job.has_notes ? description(character) : "";
  RenderSpec spec = make_render_spec(recipe, view, reference, notes, "",
                                     make_seed(character.name, std::nullopt, view.id, 1));
  if (job.scale == 0) spec.loras.clear();
  return spec;
}

Result<void> render(Engine& engine, const Setup& setup, const Job& job, JudgedPicture* views) {
  const Character character = characters::character_of(job.seed);
  const Image front = characters::render(build(character), judge::camera_of(0, setup.size));
  const std::vector<std::uint8_t> reference = TRY(encode_png(front));
  const Digest digest = sha256(reference);
  for (std::size_t v = 0; v < standard_views().size(); ++v) {
    JudgedPicture& out = views[v];
    out.scale = job.scale;
    out.seed = job.seed;
    out.has_notes = job.has_notes;
    const Stopwatch watch;
    const engine::RenderOutcome outcome = engine.render(
        spec_of(setup, job, standard_views()[v], character, digest), reference, nullptr);
    out.seconds = watch.seconds();
    const auto* rendering = std::get_if<engine::Rendering>(&outcome.value);
    if (rendering == nullptr) {
      const auto& error = std::get<engine::RenderError>(outcome.value);
      // A picture of one colour is a result here: the model's, and wrong.
      if (error.what.find("flat") == error.what.npos) return Error{Errc::invalid, error.what};
      std::fprintf(stderr, "%s, %s: %s\n", character.name.c_str(), standard_views()[v].id.c_str(),
                   error.what.c_str());
      out.picture = {setup.size.width, setup.size.height, 3,
                     std::vector<std::uint8_t>(front.pixels.size(), 0)};
      continue;
    }
    out.picture = TRY(decode_png(rendering->png));
  }
  return {};
}

// One engine after the other is made: that asks the device what is free.
Result<std::unique_ptr<Engine>> make_engine(const Setup& setup) {
  static std::mutex one_by_one;
  const std::scoped_lock lock(one_by_one);
  return engine::make_flux_engine(config_of(setup));
}

Result<void> render_all(const Setup& setup, const std::vector<Job>& jobs, Trial& trial) {
  const std::size_t views = standard_views().size();
  FirstError failed;
  std::atomic<std::size_t> done = 0;
  const auto work = [&](const Next& next) {
    auto engine = make_engine(setup);
    if (!engine.ok()) return failed.tell(engine.error());
    while (const auto index = next()) {
      const auto rendered =
          render(*engine.value(), setup, jobs[*index], &trial.pictures[*index * views]);
      if (!rendered.ok()) return failed.tell(rendered.error());
      std::fprintf(stderr, "\r%zu of %zu characters", ++done, jobs.size());
    }
  };
  const Stopwatch watch;
  beside_each_other(setup.threads, jobs.size(), failed, work);
  trial.rendering_seconds = watch.seconds();
  std::fprintf(stderr, "\n");
  if (auto error = failed.take()) return std::move(*error);
  return {};
}

// pictures: eight views after eight views. Those of the panel's characters, which begin at first.
Result<void> judge_panel(const judge::Panel& panel, std::uint64_t first,
                         std::vector<JudgedPicture>& pictures) {
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    JudgedPicture& picture = pictures[i];
    if (picture.seed < first || picture.seed >= first + panel.count()) continue;
    const std::size_t view = i % standard_views().size();
    picture.verdict = TRY(panel.judge(picture.picture, picture.seed - first, view));
    picture.nearest_seed = first + picture.verdict.nearest_character;
    picture.truth = panel.truth(picture.seed - first, view);
  }
  return {};
}

// Each twenty seeds are each other's panel, so a panel is drawn once for everything.
Result<void> judge_all(const Setup& setup, Trial& trial) {
  std::uint64_t last = setup.first;
  for (const auto* pictures : {&trial.pictures, &trial.ceiling})
    for (const JudgedPicture& picture : *pictures) last = std::max(last, picture.seed);
  const std::size_t panels = (last - setup.first) / judge::Panel::kCharacters + 1;
  FirstError failed;
  const auto work = [&](const Next& next) {
    while (const auto index = next()) {
      const std::uint64_t first = setup.first + *index * judge::Panel::kCharacters;
      const judge::Panel panel = judge::Panel::of_seeds(first, setup.size);
      for (auto* pictures : {&trial.pictures, &trial.ceiling}) {
        const auto judged = judge_panel(panel, first, *pictures);
        if (!judged.ok()) return failed.tell(judged.error());
      }
    }
  };
  beside_each_other(setup.threads, panels, failed, work);
  if (auto error = failed.take()) return std::move(*error);
  return {};
}

}  // namespace

Result<Trial> run(const Setup& setup) {
  const std::vector<Job> jobs = jobs_of(setup);
  Trial trial;
  trial.pictures.resize(jobs.size() * standard_views().size());
  TRY(render_all(setup, jobs, trial));
  trial.ceiling = TRY(truth_through_autoencoder(setup));
  TRY(judge_all(setup, trial));
  return trial;
}

}  // namespace pirouette::bench
