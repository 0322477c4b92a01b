#include "worker/train/turning_characters.h"

#include "common/image/difference_mask.h"
#include "common/job/recipe.h"
#include "worker/train/characters/character.h"
#include "worker/train/characters/render.h"

namespace pirouette::train {
namespace {

class TurningCharacters : public Dataset {
 public:
  TurningCharacters(std::uint64_t count, flux::Size size, bool with_masks)
      : count_(count), size_(size), with_masks_(with_masks) {
    recipe_.prompt = default_prompt_template();
    recipe_.loras = {{"turnaround", 1.0, std::string(kTurnaroundTrigger)}};
  }

  Result<Example> at(std::uint64_t, Rng& rng) const override {
    const auto character = characters::character_of(rng.below(count_));
    const View& view = standard_views()[rng.below(standard_views().size())];
    const characters::Body body = characters::build(character);
    const std::string notes = rng.below(2) == 0 ? characters::description(character) : "";
    Example example{shown(body, 0), shown(body, view.azimuth_deg),
                    make_prompt(recipe_, view, notes, "")};
    if (!with_masks_) return example;
    const characters::Body swapped = characters::build(characters::with_sides_swapped(character));
    example.mask = difference_mask(example.target, shown(swapped, view.azimuth_deg));
    return example;
  }

  std::vector<std::string> prompts() const override { return {}; }

 private:
  Image shown(const characters::Body& body, int azimuth_deg) const {
    characters::Camera camera;
    camera.azimuth_deg = azimuth_deg;
    camera.width = size_.width;
    camera.height = size_.height;
    camera.oversampling = characters::kQuickOversampling;
    return characters::render(body, camera);
  }

  std::uint64_t count_;
  flux::Size size_;
  bool with_masks_;
  Recipe recipe_;
};

}  // namespace

std::unique_ptr<Dataset> turning_characters(std::uint64_t count, flux::Size size, bool with_masks) {
  return std::make_unique<TurningCharacters>(count, size, with_masks);
}

}  // namespace pirouette::train
