#pragma once
// The demonstration's characters, written by hand in the words that seeds are drawn into. Each has
// something on one side only, so that a wrong turn or a mirrored view is seen at once.

#include <vector>

#include "worker/train/characters/character.h"

namespace pirouette::characters {

inline constexpr int kCastWidth = 256, kCastHeight = 384;

std::vector<Character> cast();

}  // namespace pirouette::characters
