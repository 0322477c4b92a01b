#include "worker/train/characters/character.h"

namespace pirouette::characters {

Character with_sides_swapped(const Character& character) {
  Character swapped = character;
  swapped.hair_side = opposite(character.hair_side);
  for (std::optional<Side>* side :
       {&swapped.shield, &swapped.sword, &swapped.satchel, &swapped.pauldron, &swapped.staff,
        &swapped.eye_patch, &swapped.armband, &swapped.claw, &swapped.feather, &swapped.hose})
    if (side->has_value()) *side = opposite(**side);
  return swapped;
}

}  // namespace pirouette::characters
