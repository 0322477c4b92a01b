#pragma once
// One instruction to change a picture, as people give them to Kontext, and what comes of it: a
// character as it is seen, the words, and the same character as it shall be seen. An edit never
// turns anybody, and its words say nothing of views. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "common/image/image.h"
#include "common/rng.h"
#include "worker/train/characters/character.h"
#include "worker/train/characters/render.h"

namespace pirouette::train {

// A character in a picture.
struct Seen {
  characters::Character character;
  characters::Camera camera;
  bool is_mirrored = false;  // the picture, left for right
  // As far as a body may reach (body.h) and still fit: one that reaches less is drawn no larger.
  double top = 0, reach = 0;
};

enum class EditKind {
  hair,    // another colour
  top,     // another colour
  bottom,  // another colour
  remove,  // something worn or carried
  add,     // something to wear or to carry, with its side
  ground,  // another colour
  shift,
  scale,
  mirror,
  keep,  // nothing at all
};
inline constexpr int kEditKinds = 10;
std::string_view name(EditKind kind);

struct Edit {
  Seen before, after;
  std::string prompt;
};

// An edit of that kind, begun with what is seen; none: it cannot be made of this character.
std::optional<Edit> make_edit(EditKind kind, const Seen& seen, Rng& rng);

Image show(const Seen& seen);

// Whether enough pixels differ to be worth an edit: what hides behind the character, a star on the
// chest of someone's back, is none.
bool is_seen(const Image& before, const Image& after);

// White, or in one of four any cloth's colour.
characters::Colour draw_ground(Rng& rng);

}  // namespace pirouette::train
