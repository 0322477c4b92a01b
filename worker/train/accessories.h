#pragma once
// What a character wears and carries besides its clothes, in words: what could be taken away, and
// what could be added without a hand that holds two things or a hat on another.

#include <functional>
#include <string>
#include <vector>

#include "worker/train/characters/character.h"

namespace pirouette::train {

struct Accessory {
  std::string name;                                    // "round shield"
  std::string place;                                   // "on the left arm"; "" for none
  std::function<void(characters::Character&)> change;  // takes it away, or adds it

  // "a round shield", "an amber star", "wings"
  std::string with_article() const;
};

std::vector<Accessory> worn_by(const characters::Character& character);
std::vector<Accessory> wearable_by(const characters::Character& character);

}  // namespace pirouette::train
