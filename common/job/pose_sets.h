#pragma once
// What a view shows and where it faces, derived from its azimuth. Internal to common/job; the
// views and sets themselves are declared in recipe.h.

#include <string>

#include "common/job/recipe.h"

namespace pirouette::job {

// azimuth_deg: 0 to 359.
std::string side_shown(int azimuth_deg);    // front | left | back | right
std::string screen_faced(int azimuth_deg);  // viewer | left | away | right

}  // namespace pirouette::job
