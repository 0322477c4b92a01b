// What assembly notices about drawn sheets: next to nothing where they are true, and the fault
// where one is planted.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "common/job/recipe.h"
#include "common/rng.h"
#include "coordinator/assembly/checks.h"
#include "tests/support/mirrored.h"
#include "worker/train/characters/character.h"
#include "worker/train/characters/render.h"

namespace pirouette::assembly {
namespace {

using pirouette::testing::mirrored;
using Sheet = std::vector<Image>;  // as standard_views()
constexpr std::size_t kFront = 0, kLeft = 2, kBack = 4, kRight = 6;

characters::Camera camera_of(std::size_t view, double zoom = 1) {
  characters::Camera camera;
  camera.azimuth_deg = standard_views()[view].azimuth_deg;
  camera.width = 96;
  camera.height = 144;
  camera.oversampling = 3;
  camera.zoom = zoom;
  return camera;
}

Image drawn(std::uint64_t seed, std::size_t view, double zoom = 1) {
  return characters::render(characters::build(characters::character_of(seed)),
                            camera_of(view, zoom));
}

Sheet true_sheet(std::uint64_t seed) {
  Sheet sheet;
  for (std::size_t view = 0; view < standard_views().size(); ++view)
    sheet.push_back(drawn(seed, view));
  return sheet;
}

struct Flag {
  std::string view, flag;
  bool operator==(const Flag&) const = default;
};

std::vector<Flag> flags_of(const Sheet& sheet) {
  std::vector<std::optional<ViewPicture>> pictures;
  std::vector<CheckedView> views;
  for (std::size_t i = 0; i < sheet.size(); ++i) {
    const auto figure = find_figure(sheet[i]);
    pictures.push_back(ViewPicture{sheet[i].width, sheet[i].height, figure});
    const View& view = standard_views()[i];
    views.push_back({view.id, view.azimuth_deg, &sheet[i], figure});
  }
  std::vector<Flag> flags;
  for (const auto& entry : nlohmann::json::parse(check_views(views, lay_out(pictures))))
    flags.push_back({entry["view"], entry["flag"]});
  return flags;
}

// Another rendering of the same: each channel off by up to 12, as no two renderings are the same.
Image again(Image image, Rng& rng) {
  for (std::uint8_t& value : image.pixels)
    value =
        static_cast<std::uint8_t>(std::clamp(value + static_cast<int>(rng.below(25)) - 12, 0, 255));
  return image;
}

// Of 30 sheets with one fault each, those that get this flag and no other.
int caught(const Flag& expected, const std::function<void(Sheet&, std::uint64_t seed)>& plant,
           const std::function<bool(const characters::Character&)>& is_fit = nullptr) {
  int found = 0;
  std::uint64_t seed = 500;
  for (int sheets = 0; sheets < 30; ++seed) {
    if (is_fit && !is_fit(characters::character_of(seed))) continue;
    ++sheets;
    Sheet sheet = true_sheet(seed);
    plant(sheet, seed);
    const auto flags = flags_of(sheet);
    found += flags == std::vector<Flag>{expected} ? 1 : 0;
  }
  return found;
}

TEST(SheetChecks, NearlyNoTrueSheetIsFlagged) {
  int flagged = 0;
  std::string said;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto flags = flags_of(true_sheet(seed));
    flagged += flags.empty() ? 0 : 1;
    for (const Flag& flag : flags)
      said += std::to_string(seed) + " " + flag.view + " " + flag.flag + "\n";
  }
  EXPECT_LE(flagged, 2) << said;
}

TEST(SheetChecks, AViewOfAnotherSizeIsCaught) {
  EXPECT_GE(
      caught({"left", "height"},
             [](Sheet& sheet, std::uint64_t seed) { sheet[kLeft] = drawn(seed, kLeft, 0.92); }),
      27);
}

TEST(SheetChecks, AFootLineThatIsHigherIsCaught) {
  EXPECT_GE(caught({"back", "height"},
                   [](Sheet& sheet, std::uint64_t) {
                     Image& image = sheet[kBack];
                     const Figure figure = *find_figure(image);
                     const int feet = figure.foot_row - figure.full_height() * 7 / 100;
                     const auto kept = static_cast<std::ptrdiff_t>(feet) * image.width * 3;
                     std::fill(image.pixels.begin() + kept, image.pixels.end(), std::uint8_t{255});
                   }),
            27);
}

TEST(SheetChecks, TheSameViewTwiceIsCaught) {
  Rng rng(1);
  EXPECT_GE(caught({"back", "duplicate"},
                   [&](Sheet& sheet, std::uint64_t seed) {
                     sheet[kBack] = again(drawn(seed, kFront, 0.98), rng);
                   }),
            27);
}

TEST(SheetChecks, ASideThatIsTheOtherMirroredIsCaughtWhereItShouldNotBe) {
  Rng rng(1);
  const auto mirror = [&](Sheet& sheet, std::uint64_t) {
    sheet[kRight] = again(mirrored(sheet[kLeft]), rng);
  };
  const auto has_shield = [](const characters::Character& character) {
    return character.shield.has_value();
  };
  EXPECT_GE(caught({"right", "mirrored"}, mirror, has_shield), 27);
}

TEST(SheetChecks, WhoIsTheSameOnBothSidesMayBeMirrored) {
  characters::Character character = characters::character_of(28);
  character.shield = character.sword = character.satchel = character.pauldron = character.staff =
      character.eye_patch = character.armband = character.claw = character.feather =
          character.hose = std::nullopt;
  const auto body = characters::build(character);
  Sheet sheet;
  for (std::size_t view = 0; view < standard_views().size(); ++view)
    sheet.push_back(characters::render(body, camera_of(view)));
  sheet[kRight] = mirrored(sheet[kLeft]);
  for (const Flag& flag : flags_of(sheet)) EXPECT_NE(flag.flag, "mirrored") << flag.view;
}

}  // namespace
}  // namespace pirouette::assembly
