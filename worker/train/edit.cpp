#include "worker/train/edit.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/train/accessories.h"
#include "worker/train/characters/swatches.h"

namespace pirouette::train {
namespace {

using characters::Character;
using characters::Colour;
using characters::Swatch;
using characters::Top;

// The least difference of colours that a change of colour is worth.
constexpr double kContrastMin = 0.35;
constexpr double kShift = 0.13, kSmall = 0.72, kRoomToMove = 0.85;
constexpr Colour kWhite{255, 255, 255};
constexpr std::uint64_t kColouredGrounds = 4;  // one in so many
constexpr std::size_t kSeenShare = 500;        // an edit changes at least one pixel in so many

template <typename T>
const T& one_of(const std::vector<T>& some, Rng& rng) {
  return some[rng.below(some.size())];
}

// Words with {} where something stands.
std::string say(const std::vector<std::string>& ways, Rng& rng, const std::string& what,
                const std::string& value = {}) {
  std::string words = one_of(ways, rng);
  for (const auto& [slot, text] :
       {std::pair<std::string_view, const std::string&>{"{what}", what}, {"{value}", value}})
    if (const auto at = words.find(slot); at != words.npos) words.replace(at, slot.size(), text);
  static const std::vector<std::string> ends = {"", "", " Keep everything else the same.",
                                                " Nothing else changes."};
  return words + one_of(ends, rng);
}

// Both are drawn at one scale, at which both fit: where a thing is added or gone, the rest stays in
// its place.
Edit at_one_scale(Edit edit) {
  const characters::Body before = characters::build(edit.before.character);
  const characters::Body after = characters::build(edit.after.character);
  edit.before.top = edit.after.top = std::max(before.top, after.top);
  edit.before.reach = edit.after.reach = std::max(before.reach, after.reach);
  return edit;
}

// A swatch that looks different from what is there; where none does, the most different of some.
Swatch other(std::span<const Swatch> some, Colour than, Rng& rng) {
  Swatch best = some[rng.below(some.size())];
  for (int attempt = 0; attempt < 16 && contrast(best.colour, than) < kContrastMin; ++attempt) {
    const Swatch& next = some[rng.below(some.size())];
    if (contrast(next.colour, than) > contrast(best.colour, than)) best = next;
  }
  return best;
}

std::string recoloured(const std::string& what, const Swatch& swatch, Rng& rng) {
  static const std::vector<std::string> ways = {
      "Change the colour of the {what} to {value}.", "Make the {what} {value}.",
      "Recolour the {what} in {value}.", "The {what} should be {value}."};
  return say(ways, rng, what, std::string(swatch.name));
}

std::optional<Edit> recolour_hair(Edit edit, Rng& rng) {
  using characters::Kind;
  Character& c = edit.after.character;
  const bool has_hair = c.kind == Kind::human || c.kind == Kind::elf || c.kind == Kind::orc;
  if (!has_hair || c.hair == characters::Hair::bald) return std::nullopt;
  c.palette.hair = other(characters::hairs(), c.palette.hair.colour, rng);
  edit.prompt = recoloured("hair", c.palette.hair, rng);
  return edit;
}

std::optional<Edit> recolour_top(Edit edit, Rng& rng) {
  Character& c = edit.after.character;
  const bool is_metal = c.top == Top::armour;
  Swatch& swatch = is_metal ? c.palette.metal : c.palette.main;
  swatch = other(is_metal ? characters::metals() : characters::cloths(), swatch.colour, rng);
  edit.prompt = recoloured(std::string(word(c.top)), swatch, rng);
  return edit;
}

std::optional<Edit> recolour_bottom(Edit edit, Rng& rng) {
  Character& c = edit.after.character;
  if (c.top != Top::shirt && c.top != Top::jacket && c.top != Top::sweater) return std::nullopt;
  c.palette.second = other(characters::cloths(), c.palette.second.colour, rng);
  edit.prompt = recoloured(std::string(word(c.bottom)), c.palette.second, rng);
  return edit;
}

std::optional<Edit> take_away(Edit edit, Rng& rng) {
  const std::vector<Accessory> worn = worn_by(edit.before.character);
  if (worn.empty()) return std::nullopt;
  const Accessory& one = one_of(worn, rng);
  one.change(edit.after.character);
  static const std::vector<std::string> ways = {"Remove the {what}.", "Take away the {what}.",
                                                "Show the character without the {what}.",
                                                "The {what} should be gone."};
  edit.prompt = say(ways, rng, one.name);
  return at_one_scale(std::move(edit));
}

std::optional<Edit> put_on(Edit edit, Rng& rng) {
  const std::vector<Accessory> wearable = wearable_by(edit.before.character);
  if (wearable.empty()) return std::nullopt;
  const Accessory& one = one_of(wearable, rng);
  one.change(edit.after.character);
  static const std::vector<std::string> ways = {"Add {what}.", "Give the character {what}.",
                                                "The character should have {what}."};
  edit.prompt = say(ways, rng, one.with_article() + (one.place.empty() ? "" : ' ' + one.place));
  return at_one_scale(std::move(edit));
}

std::optional<Edit> change_ground(Edit edit, Rng& rng) {
  static const std::vector<std::string> ways = {
      "Make the background {value}.", "Change the background to {value}.",
      "Put the character on a {value} background.", "The background should be {value}."};
  Colour& ground = edit.after.camera.ground;
  if (ground != kWhite && rng.below(2) == 0) {
    ground = kWhite;
    edit.prompt = say(ways, rng, "", "pure white");
    return edit;
  }
  const Swatch swatch = other(characters::cloths(), ground, rng);
  ground = swatch.colour;
  edit.prompt = say(ways, rng, "", std::string(swatch.name));
  return edit;
}

std::optional<Edit> shift(Edit edit, Rng& rng) {
  static const std::vector<std::string> ways = {
      "Move the character to the {what}.", "Shift the character to the {what}.",
      "Place the character nearer to the {what} edge of the picture."};
  const bool is_right = rng.below(2) == 0;
  edit.before.camera.zoom = edit.after.camera.zoom = kRoomToMove;
  edit.after.camera.shift_share += is_right ? kShift : -kShift;
  edit.prompt = say(ways, rng, is_right ? "right" : "left");
  return edit;
}

std::optional<Edit> scale(Edit edit, Rng& rng) {
  static const std::vector<std::string> ways = {"Make the character {what}.",
                                                "Draw the character {what}.",
                                                "The character should be {what} in the picture."};
  const bool grows = rng.below(4) == 0;
  edit.before.camera.zoom = grows ? kSmall : 1;
  edit.after.camera.zoom = grows ? 1 : kSmall;
  edit.prompt = say(ways, rng, grows ? "larger" : "smaller");
  return edit;
}

std::optional<Edit> mirror(Edit edit, Rng& rng) {
  static const std::vector<std::string> ways = {"Mirror the picture.", "Flip the picture.",
                                                "Swap left and right in the picture."};
  edit.after.is_mirrored = !edit.before.is_mirrored;
  edit.prompt = one_of(ways, rng);
  return edit;
}

std::optional<Edit> keep(Edit edit, Rng& rng) {
  static const std::vector<std::string> ways = {"Keep the picture as it is.", "Change nothing.",
                                                "The same picture again."};
  edit.prompt = one_of(ways, rng);
  return edit;
}

}  // namespace

std::string_view name(EditKind kind) {
  switch (kind) {
    case EditKind::hair:
      return "hair's colour";
    case EditKind::top:
      return "top's colour";
    case EditKind::bottom:
      return "bottom's colour";
    case EditKind::remove:
      return "remove";
    case EditKind::add:
      return "add";
    case EditKind::ground:
      return "ground";
    case EditKind::shift:
      return "shift";
    case EditKind::scale:
      return "scale";
    case EditKind::mirror:
      return "mirror";
    case EditKind::keep:
      return "keep";
  }
  return "";
}

std::optional<Edit> make_edit(EditKind kind, const Seen& seen, Rng& rng) {
  Edit edit{seen, seen, {}};
  switch (kind) {
    case EditKind::hair:
      return recolour_hair(std::move(edit), rng);
    case EditKind::top:
      return recolour_top(std::move(edit), rng);
    case EditKind::bottom:
      return recolour_bottom(std::move(edit), rng);
    case EditKind::remove:
      return take_away(std::move(edit), rng);
    case EditKind::add:
      return put_on(std::move(edit), rng);
    case EditKind::ground:
      return change_ground(std::move(edit), rng);
    case EditKind::shift:
      return shift(std::move(edit), rng);
    case EditKind::scale:
      return scale(std::move(edit), rng);
    case EditKind::mirror:
      return mirror(std::move(edit), rng);
    case EditKind::keep:
      return keep(std::move(edit), rng);
  }
  return std::nullopt;
}

Image show(const Seen& seen) {
  characters::Body body = characters::build(seen.character);
  body.top = std::max(body.top, seen.top);
  body.reach = std::max(body.reach, seen.reach);
  Image image = characters::render(body, seen.camera);
  if (!seen.is_mirrored) return image;
  const auto pixels = static_cast<std::size_t>(image.width);
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t row = 0; row < static_cast<std::size_t>(image.height); ++row) {
    std::uint8_t* first = image.pixels.data() + row * pixels * channels;
    for (std::size_t x = 0; x < pixels / 2; ++x)
      std::swap_ranges(first + x * channels, first + (x + 1) * channels,
                       first + (pixels - 1 - x) * channels);
  }
  return image;
}

bool is_seen(const Image& before, const Image& after) {
  const std::size_t pixels = before.pixels.size() / 3;
  std::size_t changed = 0;
  for (std::size_t i = 0; i < 3 * pixels; i += 3)
    if (!std::equal(&before.pixels[i], &before.pixels[i] + 3, &after.pixels[i])) ++changed;
  return changed * kSeenShare >= pixels;
}

Colour draw_ground(Rng& rng) {
  if (rng.below(kColouredGrounds) != 0) return kWhite;
  const auto cloths = characters::cloths();
  return cloths[rng.below(cloths.size())].colour;
}

}  // namespace pirouette::train
