#include "tests/judge/sides.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "tests/judge/nearness.h"

namespace pirouette::judge {
namespace {

using characters::Body;
using characters::Camera;
using characters::Character;
using characters::Part;
using characters::Side;

// Of softened pictures, in any channel: beyond it two of them differ at a pixel.
constexpr int kDiffers = 24;

using Where = std::optional<Side> Character::*;

struct OneSided {
  Thing thing;
  std::string_view name;
  Where where;              // null: hair_side
  std::vector<Part> parts;  // that show it; some are shared with what both sides have
};

const std::vector<OneSided>& all() {
  static const std::vector<OneSided> table = {
      {Thing::shield, "shield", &Character::shield, {Part::shield}},
      {Thing::sword, "sword", &Character::sword, {Part::sword}},
      {Thing::satchel, "satchel", &Character::satchel, {Part::satchel}},
      {Thing::pauldron, "pauldron", &Character::pauldron, {Part::pauldron}},
      {Thing::staff, "staff", &Character::staff, {Part::staff}},
      {Thing::eye_patch, "eye patch", &Character::eye_patch, {Part::eye_patch}},
      {Thing::armband, "armband", &Character::armband, {Part::armband}},
      {Thing::claw, "claw", &Character::claw, {Part::claw}},
      {Thing::feather, "feather", &Character::feather, {Part::headgear}},
      {Thing::hose, "hose", &Character::hose, {Part::hose}},
      {Thing::hair, "hair", nullptr, {Part::hair, Part::headgear, Part::head, Part::back}},
  };
  return table;
}

const OneSided& entry_of(Thing thing) { return all()[static_cast<std::size_t>(thing)]; }

bool is_shared(const OneSided& entry) {
  return entry.thing == Thing::feather || entry.thing == Thing::hair;
}

// Pixels that show the thing: those of its own part, or, where the part is shared with what both
// sides have, those that show another part when it is on the other side.
std::size_t seen_pixels(const OneSided& entry, const Body& right, const Body& wrong,
                        const Camera& camera) {
  const std::vector<Part> parts = part_map(right, camera);
  const std::vector<Part> others = is_shared(entry) ? part_map(wrong, camera) : std::vector<Part>{};
  std::size_t seen = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool is_of_it = std::ranges::find(entry.parts, parts[i]) != entry.parts.end();
    seen += is_of_it && (others.empty() || others[i] != parts[i]) ? 1 : 0;
  }
  return seen;
}

std::vector<SideQuestion::Spot> differing(const Image& right, const Image& wrong) {
  std::vector<SideQuestion::Spot> spots;
  for (std::size_t i = 0; i < right.pixels.size(); i += 3) {
    int most = 0;
    for (std::size_t k = i; k < i + 3; ++k)
      most = std::max(most, std::abs(right.pixels[k] - wrong.pixels[k]));
    if (most <= kDiffers) continue;
    SideQuestion::Spot spot{static_cast<std::uint32_t>(i / 3), {}, {}};
    std::copy_n(&right.pixels[i], 3, spot.right.begin());
    std::copy_n(&wrong.pixels[i], 3, spot.wrong.begin());
    spots.push_back(spot);
  }
  return spots;
}

}  // namespace

std::string_view name(Thing thing) { return entry_of(thing).name; }

std::vector<Thing> one_sided_things(const Character& character) {
  std::vector<Thing> things;
  for (const OneSided& entry : all()) {
    if (entry.where == nullptr || (character.*entry.where).has_value())
      things.push_back(entry.thing);
  }
  return things;
}

Character with_thing_swapped(const Character& character, Thing thing) {
  Character swapped = character;
  const OneSided& entry = entry_of(thing);
  if (entry.where == nullptr) {
    swapped.hair_side = opposite(swapped.hair_side);
  } else {
    PIROUETTE_CHECK((swapped.*entry.where).has_value());
    swapped.*entry.where = opposite(*(swapped.*entry.where));
  }
  return swapped;
}

std::vector<SideQuestion> side_questions(const Character& character, const Camera& camera) {
  const auto least = static_cast<std::size_t>(kSeenShare * camera.width * camera.height);
  const Body right = build(character);
  const Image right_picture = softened(render(right, camera));
  std::vector<SideQuestion> questions;
  for (const Thing thing : one_sided_things(character)) {
    const Body wrong = build(with_thing_swapped(character, thing));
    if (seen_pixels(entry_of(thing), right, wrong, camera) < least) continue;
    SideQuestion question{thing, differing(right_picture, softened(render(wrong, camera)))};
    if (question.spots.size() >= least) questions.push_back(std::move(question));
  }
  return questions;
}

SideVerdict SideQuestion::answer(const Image& softened) const {
  double to_right = 0, to_wrong = 0;
  for (const Spot& spot : spots) {
    for (std::size_t c = 0; c < 3; ++c) {
      const int shown = softened.pixels[std::size_t{spot.pixel} * 3 + c];
      to_right += (shown - spot.right[c]) * (shown - spot.right[c]);
      to_wrong += (shown - spot.wrong[c]) * (shown - spot.wrong[c]);
    }
  }
  return {thing, to_right < to_wrong};
}

}  // namespace pirouette::judge
