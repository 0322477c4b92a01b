#pragma once
// The colours that characters are made of, with the names that prompts use for them.

#include <span>

#include "worker/train/characters/character.h"

namespace pirouette::characters {

std::span<const Swatch> cloths();
std::span<const Swatch> skins();
std::span<const Swatch> hairs();
std::span<const Swatch> furs();
std::span<const Swatch> scales();  // of orcs and lizards
std::span<const Swatch> irises();
std::span<const Swatch> leathers();
std::span<const Swatch> metals();

// By its name; a name that is not there is a broken promise of our own.
Swatch swatch(std::string_view name);

// How different two colours look, about 0 to 3: redmean, which is close to what eyes say.
double contrast(Colour a, Colour b);

}  // namespace pirouette::characters
