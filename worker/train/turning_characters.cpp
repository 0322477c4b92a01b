#include "worker/train/turning_characters.h"

#include <utility>

#include "common/job/recipe.h"
#include "worker/train/characters/character.h"
#include "worker/train/characters/render.h"
#include "worker/train/difference_mask.h"

namespace pirouette::train {
namespace {

class TurningCharacters : public Dataset {
 public:
  TurningCharacters(std::uint64_t count, flux::Size size) : count_(count), size_(size) {
    recipe_.prompt = default_prompt_template();
    recipe_.loras = {{"turnaround", 1.0, std::string(kTurnaroundTrigger)}};
  }

  Result<Example> at(std::uint64_t, Rng& rng) const override {
    const auto character = characters::character_of(rng.below(count_));
    const View& view = standard_views()[rng.below(standard_views().size())];
    const characters::Body body = characters::build(character);
    const std::string notes = rng.below(2) == 0 ? characters::description(character) : "";
    const characters::Body swapped = characters::build(characters::with_sides_swapped(character));
    Image target = shown(body, view.azimuth_deg);
    std::vector<std::uint8_t> mask = difference_mask(target, shown(swapped, view.azimuth_deg));
    return Example{shown(body, 0), std::move(target), make_prompt(recipe_, view, notes, ""),
                   std::move(mask)};
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
  Recipe recipe_;
};

}  // namespace

std::unique_ptr<Dataset> turning_characters(std::uint64_t count, flux::Size size) {
  return std::make_unique<TurningCharacters>(count, size);
}

}  // namespace pirouette::train
