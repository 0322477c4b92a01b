#pragma once
// The demonstration's characters: drawn from the front on white, each with something on one side
// only, so that a wrong turn or a mirrored view is seen at once.

#include <string>
#include <vector>

namespace pirouette::characters {

struct Character {
  std::string name;   // the file's stem
  std::string notes;  // for the prompt: what must stay the same in every view
  std::string svg;
};

std::string draw_knight();
std::string draw_chef();
std::string draw_astronaut();
std::string draw_diver();
std::string draw_witch();
std::string draw_robot();

std::vector<Character> all_characters();

}  // namespace pirouette::characters
