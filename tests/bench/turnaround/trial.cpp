#include "tests/bench/turnaround/trial.h"

#include <algorithm>

#include "common/job/recipe.h"
#include "tests/bench/engines/threads.h"
#include "tests/bench/measure.h"
#include "tests/bench/turnaround/ceiling.h"

namespace pirouette::bench {
namespace {

using characters::Character;

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

Result<void> render(engine::Engine& engine, const Setup& setup, const Job& job,
                    JudgedPicture* views) {
  const Character character = characters::character_of(job.seed);
  const Image front = characters::render(build(character), judge::camera_of(0, setup.size));
  const std::vector<std::uint8_t> reference = TRY(encode_png(front));
  const Digest digest = sha256(reference);
  for (std::size_t v = 0; v < standard_views().size(); ++v) {
    const View& view = standard_views()[v];
    JudgedPicture& out = views[v];
    out.scale = job.scale;
    out.seed = job.seed;
    out.has_notes = job.has_notes;
    const Stopwatch watch;
    out.picture = TRY(draw(engine, spec_of(setup, job, view, character, digest), reference,
                           character.name + ", " + view.id));
    out.seconds = watch.seconds();
  }
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
  return beside_each_other(setup.engine.threads, panels, [&](std::size_t index) -> Result<void> {
    const std::uint64_t first = setup.first + index * judge::Panel::kCharacters;
    const judge::Panel panel = judge::Panel::of_seeds(first, setup.size);
    for (auto* pictures : {&trial.pictures, &trial.ceiling})
      TRY(judge_panel(panel, first, *pictures));
    return {};
  });
}

}  // namespace

Result<Trial> run(const Setup& setup) {
  const std::vector<Job> jobs = jobs_of(setup);
  Trial trial;
  trial.pictures.resize(jobs.size() * standard_views().size());
  const Stopwatch watch;
  TRY(on_engines(setup.engine, jobs.size(), [&](engine::Engine& engine, std::size_t index) {
    return render(engine, setup, jobs[index], &trial.pictures[index * standard_views().size()]);
  }));
  trial.rendering_seconds = watch.seconds();
  trial.ceiling = TRY(truth_through_autoencoder(setup));
  TRY(judge_all(setup, trial));
  return trial;
}

}  // namespace pirouette::bench
