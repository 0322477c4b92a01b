// See characters.h.

#include "deploy/characters/characters.h"

namespace pirouette::characters {

std::vector<Character> all_characters() {
  return {
      {"knight",
       "young knight in steel plate armour, red plume on the open helmet, blue tabard with a gold "
       "star, long red cape, round wooden shield with a red cross on the left arm, sword in the "
       "right hand, brown boots",
       draw_knight()},
      {"chef",
       "cheerful round chef, tall white toque, black moustache, white double-breasted jacket with "
       "red buttons, red neckerchief, checked trousers, black clogs, wooden ladle in the right "
       "hand, towel over the left forearm",
       draw_chef()},
      {"astronaut",
       "astronaut in a white suit with orange stripes, gold visor pushed up over a freckled face, "
       "control box on the chest, round blue patch on the left shoulder only, grey boots, "
       "backpack with two hoses",
       draw_astronaut()},
      {"diver",
       "old-fashioned deep-sea diver, copper helmet with a round front window and a side window, "
       "canvas suit, air hose from the right of the helmet, lead belt with a knife on the left "
       "hip, harpoon in the right hand, heavy boots",
       draw_diver()},
      {"witch",
       "young witch, tall bent purple hat with a gold buckle, orange braid over the left shoulder, "
       "purple dress with a star brooch, brown satchel on the left hip, striped stockings, pointed "
       "shoes, broom in the right hand",
       draw_witch()},
      {"robot",
       "friendly robot, teal boxy head with two round yellow eyes and one antenna on the right, "
       "gauge on the chest, left arm ends in a claw, right arm in a hand, orange shoulder plate on "
       "the left only, big round feet",
       draw_robot()},
  };
}

}  // namespace pirouette::characters
