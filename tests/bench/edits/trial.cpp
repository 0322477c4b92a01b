#include "tests/bench/edits/trial.h"

#include <algorithm>
#include <cmath>

#include "tests/judge/nearness.h"
#include "worker/train/characters/swatches.h"
#include "worker/train/difference_mask.h"

namespace pirouette::bench {
namespace {

using train::Edit;
using train::EditKind;
using train::Seen;

constexpr std::uint64_t kColouredGrounds = 4;   // one in so many
constexpr std::uint64_t kCharactersMost = 500;  // that one kind is looked for among
constexpr std::size_t kSeenShare = 500;         // an edit changes at least one pixel in so many

struct Job {
  std::uint64_t seed = 0;
  EditKind kind = EditKind::keep;
  Edit edit;
};

Seen seen_of(std::uint64_t seed, judge::Size size, Rng& rng) {
  Seen seen;
  seen.character = characters::character_of(seed);
  seen.camera = judge::camera_of(rng.below(standard_views().size()), size);
  const auto cloths = characters::cloths();
  if (rng.below(kColouredGrounds) == 0)
    seen.camera.ground = cloths[rng.below(cloths.size())].colour;
  return seen;
}

bool is_seen(const Edit& edit) {
  const auto mask = train::difference_mask(show(edit.before), show(edit.after));
  return static_cast<std::size_t>(std::ranges::count(mask, 1)) * kSeenShare >= mask.size();
}

// So many edits of that kind that can be made and seen.
void add_jobs(const EditSetup& setup, EditKind kind, std::vector<Job>& jobs) {
  int left = setup.edits;
  for (std::uint64_t seed = setup.first; left > 0 && seed < setup.first + kCharactersMost; ++seed) {
    Rng rng(seed * train::kEditKinds + static_cast<std::uint64_t>(kind));
    const auto edit = train::make_edit(kind, seen_of(seed, setup.size, rng), rng);
    if (!edit || (kind != EditKind::keep && !is_seen(*edit))) continue;
    jobs.push_back({seed, kind, *edit});
    --left;
  }
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

bool has_right_view(const Edit& edit, const Image& softened) {
  double best = -1;
  int nearest = -1;
  for (const View& view : standard_views()) {
    Seen seen = edit.after;
    seen.camera.azimuth_deg = view.azimuth_deg;
    const double far = judge::mean_squared_difference(judge::softened(show(seen)), softened);
    if (nearest >= 0 && far >= best) continue;
    best = far;
    nearest = view.azimuth_deg;
  }
  return nearest == edit.after.camera.azimuth_deg;
}

// Sums of squared differences from the picture, where the edit changes something and elsewhere.
struct Distances {
  double from_before = 0, from_after = 0, between = 0, of_rest = 0;
  std::size_t rest = 0;  // numbers
};

Distances measure(const Image& before, const Image& after, const Image& picture) {
  const auto mask = train::difference_mask(before, after);
  const auto square = [](int a, int b) { return static_cast<double>((a - b) * (a - b)); };
  Distances sums;
  for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
    const int x = picture.pixels[i], from = before.pixels[i], to = after.pixels[i];
    if (mask[i / 3] == 0) {
      sums.of_rest += square(x, to);
      ++sums.rest;
      continue;
    }
    sums.from_before += square(x, from);
    sums.from_after += square(x, to);
    sums.between += square(from, to);
  }
  return sums;
}

Result<void> judge_edit(const Edit& edit, JudgedEdit& out) {
  if (out.picture.channels != 3) return Error{Errc::invalid, "the picture is not RGB"};
  const Image picture = judge::softened(out.picture);
  const Distances far = measure(judge::softened(out.before), judge::softened(out.after), picture);
  out.is_followed = far.from_after < far.from_before;
  if (far.between > 0) out.share_of_way = 1 - std::sqrt(far.from_after / far.between);
  out.rest_psnr_db =
      judge::psnr_db(far.of_rest / static_cast<double>(std::max<std::size_t>(1, far.rest)));
  out.psnr_db = judge::psnr_db(judge::mean_squared_difference(out.picture, out.after));
  out.ssim = judge::ssim(out.picture, out.after);
  out.has_right_view = has_right_view(edit, picture);
  return {};
}

}  // namespace

std::string_view name(EditKind kind) {
  static constexpr std::array<std::string_view, train::kEditKinds> kNames = {
      "hair's colour", "top's colour", "bottom's colour", "remove", "add",
      "ground",        "shift",        "scale",           "mirror", "keep"};
  return kNames.at(static_cast<std::size_t>(kind));
}

Result<std::vector<JudgedEdit>> run(const EditSetup& setup) {
  std::vector<Job> jobs;
  for (int kind = 0; kind < train::kEditKinds; ++kind)
    add_jobs(setup, static_cast<EditKind>(kind), jobs);
  std::vector<JudgedEdit> judged(jobs.size());
  TRY(on_engines(
      setup.engine, jobs.size(), [&](engine::Engine& engine, std::size_t index) -> Result<void> {
        const Job& job = jobs[index];
        JudgedEdit& out = judged[index];
        out.kind = job.kind;
        out.prompt = job.edit.prompt;
        out.before = show(job.edit.before);
        out.after = show(job.edit.after);
        const std::vector<std::uint8_t> reference = TRY(encode_png(out.before));
        out.picture =
            TRY(draw(engine, spec_of(setup, job, sha256(reference)), reference, out.prompt));
        return judge_edit(job.edit, out);
      }));
  return judged;
}

}  // namespace pirouette::bench
