#include "worker/train/edited_characters.h"

#include <array>
#include <utility>

#include "common/image/difference_mask.h"
#include "common/job/recipe.h"
#include "worker/train/edit.h"

namespace pirouette::train {
namespace {

// In hundredths. What names a thing has to be learnt word by word, so it is shown the most.
constexpr std::array<std::pair<EditKind, std::uint64_t>, kEditKinds> kShares = {{
    {EditKind::hair, 10},
    {EditKind::top, 10},
    {EditKind::bottom, 12},
    {EditKind::remove, 16},
    {EditKind::add, 30},
    {EditKind::ground, 5},
    {EditKind::shift, 4},
    {EditKind::scale, 6},
    {EditKind::mirror, 4},
    {EditKind::keep, 3},
}};
constexpr int kAttempts = 6;

EditKind draw_kind(Rng& rng) {
  std::uint64_t left = rng.below(100);
  for (const auto& [kind, share] : kShares) {
    if (left < share) return kind;
    left -= share;
  }
  return EditKind::keep;
}

class EditedCharacters : public Dataset {
 public:
  EditedCharacters(std::uint64_t count, flux::Size size) : count_(count), size_(size) {}

  // What cannot be seen is no example: another edit is drawn. The ground is always seen.
  Result<Example> at(std::uint64_t, Rng& rng) const override {
    const Seen seen = draw_seen(rng);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const EditKind kind = draw_kind(rng);
      const auto edit = make_edit(kind, seen, rng);
      if (!edit) continue;
      Example example = shown(*edit);
      if (kind == EditKind::keep || is_seen(example.reference, example.target)) return example;
    }
    return shown(*make_edit(EditKind::ground, seen, rng));
  }

  std::vector<std::string> prompts() const override { return {}; }

 private:
  static Example shown(const Edit& edit) {
    Image before = show(edit.before), after = show(edit.after);
    std::vector<std::uint8_t> mask = difference_mask(before, after);
    return Example{std::move(before), std::move(after), edit.prompt, std::move(mask)};
  }

  Seen draw_seen(Rng& rng) const {
    Seen seen;
    seen.character = characters::character_of(rng.below(count_));
    seen.camera.azimuth_deg = standard_views()[rng.below(standard_views().size())].azimuth_deg;
    seen.camera.width = size_.width;
    seen.camera.height = size_.height;
    seen.camera.oversampling = characters::kQuickOversampling;
    seen.camera.ground = draw_ground(rng);
    return seen;
  }

  std::uint64_t count_;
  flux::Size size_;
};

}  // namespace

std::unique_ptr<Dataset> edited_characters(std::uint64_t count, flux::Size size) {
  return std::make_unique<EditedCharacters>(count, size);
}

}  // namespace pirouette::train
