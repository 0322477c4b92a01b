#include "tests/bench/edits/trial.h"

namespace pirouette::bench {
namespace {

using train::Edit;
using train::EditKind;
using train::Seen;

constexpr std::uint64_t kCharactersMost = 2'000;  // that one kind is looked for among

struct Job {
  std::uint64_t seed = 0;
  Edit edit;
};

Seen seen_of(std::uint64_t seed, judge::Size size, Rng& rng) {
  Seen seen;
  seen.character = characters::character_of(seed);
  seen.camera = judge::camera_of(rng.below(standard_views().size()), size);
  seen.camera.ground = train::draw_ground(rng);
  return seen;
}

// So many edits of that kind that can be made and seen; in judged what is to be seen of each.
Result<void> add_jobs(const EditSetup& setup, EditKind kind, std::vector<Job>& jobs,
                      std::vector<JudgedEdit>& judged) {
  int left = setup.edits;
  for (std::uint64_t seed = setup.first; left > 0 && seed < setup.first + kCharactersMost; ++seed) {
    Rng rng(seed * train::kEditKinds + static_cast<std::uint64_t>(kind));
    const auto edit = train::make_edit(kind, seen_of(seed, setup.size, rng), rng);
    if (!edit) continue;
    JudgedEdit shown{kind, show(edit->before), show(edit->after)};
    if (kind != EditKind::keep && !train::is_seen(shown.before, shown.after)) continue;
    jobs.push_back({seed, *edit});
    judged.push_back(std::move(shown));
    --left;
  }
  if (left == 0) return {};
  return Error{Errc::invalid, "only " + std::to_string(setup.edits - left) +
                                  " edits of the kind \"" + std::string(name(kind)) +
                                  "\" can be made of " + std::to_string(kCharactersMost) +
                                  " characters; ask for fewer"};
}

RenderSpec spec_of(const EditSetup& setup, const Job& job, const Digest& reference) {
  RenderSpec spec;
  spec.model = kModel;
  spec.prompt = job.edit.prompt;
  spec.reference = reference;
  spec.reference_size = "keep";
  spec.width = setup.size.width;
  spec.height = setup.size.height;
  spec.steps = setup.steps;
  spec.guidance = setup.guidance;
  spec.seed = job.seed;
  spec.max_sequence_length = setup.sequence_length;
  return spec;
}

bool has_right_view(const Edit& edit, const Image& picture) {
  std::vector<Image> truths;
  std::size_t right = 0;
  for (const View& view : standard_views()) {
    Seen seen = edit.after;
    if (view.azimuth_deg == seen.camera.azimuth_deg) right = truths.size();
    seen.camera.azimuth_deg = view.azimuth_deg;
    truths.push_back(show(seen));
  }
  return judge::nearest(truths, picture) == right;
}

Result<void> render(engine::Engine& engine, const EditSetup& setup, const Job& job,
                    JudgedEdit& out) {
  const std::vector<std::uint8_t> reference = TRY(encode_png(out.before));
  const std::string& prompt = job.edit.prompt;
  out.picture = TRY(draw(engine, spec_of(setup, job, sha256(reference)), reference, prompt));
  if (out.picture.channels != 3) return Error{Errc::invalid, prompt + ": not RGB"};
  out.verdict = judge::judge_edit(out.before, out.after, out.picture);
  out.has_right_view = has_right_view(job.edit, out.picture);
  return {};
}

}  // namespace

Result<std::vector<JudgedEdit>> run(const EditSetup& setup) {
  std::vector<Job> jobs;
  std::vector<JudgedEdit> judged;
  for (int kind = 0; kind < train::kEditKinds; ++kind)
    TRY(add_jobs(setup, static_cast<EditKind>(kind), jobs, judged));
  TRY(on_engines(setup.engine, jobs.size(), [&](engine::Engine& engine, std::size_t index) {
    return render(engine, setup, jobs[index], judged[index]);
  }));
  return judged;
}

}  // namespace pirouette::bench
