// Edits: each kind changes what it says and nothing else, nobody turns, and the same chances give
// the same example.

#include "worker/train/edited_characters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/image/difference_mask.h"
#include "common/job/recipe.h"
#include "tests/unit/train/training_fixture.h"
#include "worker/train/accessories.h"
#include "worker/train/characters/swatches.h"
#include "worker/train/edit.h"

namespace pirouette::train {
namespace {

using characters::Character;
using characters::Part;

constexpr int kWidth = 96, kHeight = 144;

Seen seen_of(std::uint64_t seed) {
  Seen seen;
  seen.character = characters::character_of(seed);
  seen.camera.azimuth_deg = standard_views()[seed % standard_views().size()].azimuth_deg;
  seen.camera.width = kWidth;
  seen.camera.height = kHeight;
  return seen;
}

std::vector<Part> parts_of(const Seen& seen) {
  return characters::part_map(characters::build(seen.character), seen.camera);
}

// Edits of that kind of many characters, as many as can be made.
std::vector<Edit> edits_of(EditKind kind) {
  std::vector<Edit> edits;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Rng rng(seed);
    if (auto edit = make_edit(kind, seen_of(seed), rng)) edits.push_back(*edit);
  }
  EXPECT_GE(edits.size(), 8u);
  return edits;
}

bool says(const Edit& edit, std::string_view words) {
  return edit.prompt.find(words) != std::string::npos;
}

TEST(Edits, TheViewStaysWhateverIsAsked) {
  for (int kind = 0; kind < kEditKinds; ++kind)
    for (const Edit& edit : edits_of(static_cast<EditKind>(kind)))
      EXPECT_EQ(edit.before.camera.azimuth_deg, edit.after.camera.azimuth_deg) << edit.prompt;
}

TEST(Edits, ARecolouringMovesNoPartAndSaysItsColour) {
  for (const EditKind kind : {EditKind::hair, EditKind::top, EditKind::bottom})
    for (const Edit& edit : edits_of(kind)) {
      EXPECT_EQ(parts_of(edit.before), parts_of(edit.after)) << edit.prompt;
      const auto& a = edit.before.character.palette;
      const auto& b = edit.after.character.palette;
      int changed = 0;
      const auto compare = [&](const characters::Swatch& before, const characters::Swatch& after) {
        if (before.colour == after.colour) return;
        ++changed;
        EXPECT_TRUE(says(edit, after.name)) << edit.prompt << " but " << after.name;
      };
      compare(a.hair, b.hair);
      compare(a.main, b.main);
      compare(a.second, b.second);
      compare(a.metal, b.metal);
      compare(a.trim, b.trim);
      compare(a.skin, b.skin);
      compare(a.leather, b.leather);
      EXPECT_EQ(changed, 1) << edit.prompt;
      EXPECT_EQ(edit.before.camera.ground, edit.after.camera.ground);
    }
}

// What is named is gone, or there on the side that was said; all else is as it was: description()
// has one clause less, or one more.
TEST(Edits, WhatIsRemovedOrAddedIsOneThingAndIsNamed) {
  const auto clauses = [](const Seen& seen) {
    std::multiset<std::string> all;
    std::string text = description(seen.character) + ", ";
    for (std::size_t at = 0, next; (next = text.find(", ", at)) != text.npos; at = next + 2)
      all.insert(text.substr(at, next - at));
    return all;
  };
  for (const EditKind kind : {EditKind::remove, EditKind::add})
    for (const Edit& edit : edits_of(kind)) {
      auto more = clauses(edit.before), less = clauses(edit.after);
      if (kind == EditKind::add) std::swap(more, less);
      std::vector<std::string> one;
      std::ranges::set_difference(more, less, std::back_inserter(one));
      std::vector<std::string> none;
      std::ranges::set_difference(less, more, std::back_inserter(none));
      ASSERT_EQ(one.size(), 1u) << edit.prompt;
      EXPECT_TRUE(none.empty()) << edit.prompt;
      std::string clause = one.front();
      for (const char* unsaid : {" on the back", " on the forehead"})
        if (clause.ends_with(unsaid)) clause.resize(clause.size() - std::string(unsaid).size());
      // Taken away it needs no place.
      if (kind == EditKind::remove)
        for (const char* place : {" on the ", " at the ", " in the ", " around the ", " over the "})
          clause = clause.substr(0, clause.find(place));
      if (clause.ends_with(" shoulder only")) clause.resize(clause.size() - 5);
      EXPECT_TRUE(says(edit, clause)) << edit.prompt << " but " << clause;
    }
}

// Whatever is added or removed, and however far it reaches: the feet, which no such edit touches,
// stay where they were. Framed anew, half of all spears would make their bearer smaller.
TEST(Edits, WhatIsAddedOrRemovedMovesNothingElse) {
  const auto feet = [](const Image& image) {
    const auto line = static_cast<std::ptrdiff_t>(image.width) * 3;
    return std::vector(image.pixels.begin() + line * kHeight * 92 / 100, image.pixels.end());
  };
  int reframed = 0;
  for (const EditKind kind : {EditKind::remove, EditKind::add})
    for (const Edit& edit : edits_of(kind)) {
      if (says(edit, "broom")) continue;  // it stands beside them
      Seen alone = edit.before;
      alone.top = alone.reach = 0;
      reframed += show(alone).pixels == show(edit.before).pixels ? 0 : 1;
      const auto a = feet(show(edit.before)), b = feet(show(edit.after));
      ASSERT_EQ(a.size(), b.size());
      std::size_t changed = 0;
      for (std::size_t i = 0; i < a.size(); ++i) changed += a[i] == b[i] ? 0 : 1;
      EXPECT_LE(changed * 50, a.size()) << edit.prompt;
    }
  EXPECT_GE(reframed, 4);
}

// A shield that was added is seen right of the middle from the front where it is on the left arm.
TEST(Edits, WhatIsAddedIsOnTheSideThatWasSaid) {
  int shields = 0;
  for (std::uint64_t seed = 0; seed < 400 && shields < 8; ++seed) {
    Seen seen = seen_of(seed);
    seen.camera.azimuth_deg = 0;
    Rng rng(seed);
    const auto edit = make_edit(EditKind::add, seen, rng);
    if (!edit || !says(*edit, "shield on the")) continue;
    ++shields;
    const std::vector<Part> before = parts_of(edit->before), after = parts_of(edit->after);
    EXPECT_EQ(std::ranges::count(before, Part::shield), 0);
    double x = 0;
    int pixels = 0;
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (after[i] != Part::shield) continue;
      x += static_cast<double>(i % kWidth) + 0.5 - kWidth / 2.0;
      ++pixels;
    }
    ASSERT_GT(pixels, 20) << edit->prompt;
    EXPECT_EQ(x > 0, says(*edit, "left arm")) << edit->prompt;
  }
  EXPECT_EQ(shields, 8);
}

TEST(Edits, AGroundIsAGroundAndNothingElse) {
  for (const Edit& edit : edits_of(EditKind::ground)) {
    const Image after = show(edit.after);
    const std::vector<Part> parts = parts_of(edit.before);
    EXPECT_EQ(parts, parts_of(edit.after));
    const auto& ground = edit.after.camera.ground;
    EXPECT_NE(edit.before.camera.ground, ground) << edit.prompt;
    EXPECT_EQ(after.pixels[0], ground.r);
    EXPECT_EQ(after.pixels[1], ground.g);
    EXPECT_EQ(after.pixels[2], ground.b);
    EXPECT_EQ(description(edit.before.character), description(edit.after.character));
  }
}

struct Box {
  int left = kWidth, right = -1, top = kHeight, bottom = -1;
};

Box box_of(const Seen& seen) {
  Box box;
  const std::vector<Part> parts = parts_of(seen);
  for (int i = 0; i < kWidth * kHeight; ++i) {
    if (parts[static_cast<std::size_t>(i)] == Part::none) continue;
    box.left = std::min(box.left, i % kWidth);
    box.right = std::max(box.right, i % kWidth);
    box.top = std::min(box.top, i / kWidth);
    box.bottom = std::max(box.bottom, i / kWidth);
  }
  return box;
}

TEST(Edits, ShiftsAndScalesGoTheWayThatTheySay) {
  for (const Edit& edit : edits_of(EditKind::shift)) {
    const Box a = box_of(edit.before), b = box_of(edit.after);
    EXPECT_EQ(b.left + b.right > a.left + a.right, says(edit, "right")) << edit.prompt;
    EXPECT_NEAR(a.top, b.top, 5) << edit.prompt;  // of thin things another sample is seen
    EXPECT_NEAR(a.bottom, b.bottom, 1) << edit.prompt;
  }
  for (const Edit& edit : edits_of(EditKind::scale)) {
    const Box a = box_of(edit.before), b = box_of(edit.after);
    EXPECT_EQ(b.bottom - b.top < a.bottom - a.top, says(edit, "smaller")) << edit.prompt;
  }
}

TEST(Edits, AMirroredPictureIsThePictureMirrored) {
  for (const Edit& edit : edits_of(EditKind::mirror)) {
    const Image before = show(edit.before), after = show(edit.after);
    for (int i = 0; i < kWidth * kHeight; i += 7) {
      const int x = i % kWidth, y = i / kWidth;
      for (int c = 0; c < 3; ++c)
        ASSERT_EQ(before.pixels[static_cast<std::size_t>((y * kWidth + x) * 3 + c)],
                  after.pixels[static_cast<std::size_t>((y * kWidth + kWidth - 1 - x) * 3 + c)]);
    }
  }
}

TEST(Edits, KeepingKeepsEveryPixel) {
  for (const Edit& edit : edits_of(EditKind::keep))
    EXPECT_EQ(show(edit.before).pixels, show(edit.after).pixels);
}

TEST(DifferenceMask, HasThePixelsThatDifferByMoreThanAShade) {
  const Image before{2, 2, 3, {10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40}};
  Image after = before;
  after.pixels[3 + 2] += 17;  // the second pixel's blue
  after.pixels[6] += 16;
  after.pixels[9] -= 40;
  EXPECT_EQ(difference_mask(before, after), (std::vector<std::uint8_t>{0, 1, 0, 1}));
  EXPECT_EQ(difference_mask(before, before), (std::vector<std::uint8_t>(4)));
}

TEST(EditedCharacters, AreTheSameForTheSameChancesAndManySided) {
  const auto dataset = edited_characters(1000, {48, 64});
  EXPECT_TRUE(dataset->prompts().empty());
  std::set<std::string> prompts;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Rng once(seed), again(seed);
    const Example example = get(dataset->at(seed, once));
    const Example same = get(dataset->at(seed + 1, again));
    EXPECT_EQ(example.reference.pixels, same.reference.pixels);
    EXPECT_EQ(example.target.pixels, same.target.pixels);
    EXPECT_EQ(example.prompt, same.prompt);
    EXPECT_EQ(example.mask, difference_mask(example.reference, example.target));
    prompts.insert(example.prompt);
  }
  EXPECT_GE(prompts.size(), 40u);
}

// The base keeps the view: it never hears of one.
TEST(EditedCharacters, SayNoWordOfViews) {
  for (int kind = 0; kind < kEditKinds; ++kind)
    for (const Edit& edit : edits_of(static_cast<EditKind>(kind))) {
      std::string words = ' ' + edit.prompt + ' ';
      for (char& c : words)
        if (c == '.' || c == ',') c = ' ';
      for (const char* word : {" view ", " front ", " back ", " side ", " profile ", " turn ",
                               " turned ", " facing ", " turnaround ", " rotate "})
        EXPECT_EQ(words.find(word), words.npos) << edit.prompt;
    }
}

}  // namespace
}  // namespace pirouette::train
