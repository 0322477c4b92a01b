// Whole sheets, from blobs to a blob: what is drawn where, and what is flagged.

#include "coordinator/assembly/assembly.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "coordinator/assembly/layout.h"
#include "tests/support/png_texts.h"
#include "tests/unit/assembly/drawn_figure.h"

namespace pirouette::assembly {
namespace {

namespace fs = std::filesystem;
using namespace testing;
using nlohmann::json;

class AssemblyTest : public ::testing::Test {
 protected:
  AssemblyTest()
      : folder_(fs::temp_directory_path() /
                ("pirouette-assembly-" + std::to_string(::getpid()) + "-" +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name())),
        blobs_(Blobs::open(folder_).value()) {}
  ~AssemblyTest() override { fs::remove_all(folder_); }

  // One view a picture, in std6's order; null for a failed pose.
  core::AssembleSheet sheet_of(const std::vector<std::optional<Image>>& images) {
    core::AssembleSheet sheet;
    sheet.character = "knight";
    for (std::size_t i = 0; i < images.size(); ++i) {
      core::PlannedView planned{standard_views()[i], std::nullopt};
      if (images[i]) planned.picture = blobs_.put(encode_png(*images[i]).value()).value();
      sheet.views.push_back(planned);
    }
    return sheet;
  }

  Image picture(const Digest& digest) { return decode_png(blobs_.read(digest).value()).value(); }

  fs::path folder_;
  Blobs blobs_;
};

// As of a batch whose every view is take 1, and whose gaps say nothing.
Result<AssembledSheet> assemble(const core::AssembleSheet& sheet, const Blobs& blobs) {
  SheetStory story;
  story.views.resize(sheet.views.size());
  return assembly::assemble(sheet, story, blobs);
}

// "view flag" of every check.
std::vector<std::string> flags(const AssembledSheet& sheet) {
  std::vector<std::string> out;
  for (const json& check : json::parse(sheet.checks)) {
    EXPECT_FALSE(check.at("detail").get<std::string>().empty());
    out.push_back(check.at("view").get<std::string>() + " " + check.at("flag").get<std::string>());
  }
  return out;
}

// A person whose trunk has the view's own colour and an emblem in the view's own place.
Image view_picture(int i, int head = 30, int foot = 269) {
  Image image = blank(192, 288);
  draw_person(image, 90 + i, head, foot, {static_cast<std::uint8_t>(40 * i), 80, 120});
  fill(image, {60 + 8 * i, 100 + 10 * i, 20, 30}, {250, 220, static_cast<std::uint8_t>(30 * i)});
  return image;
}

std::vector<std::optional<Image>> four_views() {
  return {view_picture(0), view_picture(1), view_picture(2), view_picture(3)};
}

// The box of everything in a cell of the sheet that is dark.
Box inked(const Image& sheet, const Box& cell) {
  int left = cell.width, top = cell.height, right = 0, bottom = 0;
  for (int y = 0; y < cell.height; ++y) {
    for (int x = 0; x < cell.width; ++x) {
      const auto at = static_cast<std::size_t>(((cell.top + y) * sheet.width + cell.left + x) * 3);
      const auto* p = &sheet.pixels[at];
      if (p[0] + p[1] + p[2] > 500) continue;  // less than half covered by anything drawn
      left = std::min(left, x), right = std::max(right, x + 1);
      top = std::min(top, y), bottom = std::max(bottom, y + 1);
    }
  }
  return {left, top, right - left, bottom - top};
}

TEST_F(AssemblyTest, FeetStandOnOneLineAtOneScale) {
  const auto views = std::vector<std::optional<Image>>{
      view_picture(0, 30, 269), view_picture(1, 20, 259), view_picture(2, 40, 275)};
  const Result<AssembledSheet> sheet = assemble(sheet_of(views), blobs_);
  ASSERT_TRUE(sheet.ok()) << sheet.error().what;
  EXPECT_EQ(sheet.value().checks, "[]");
  const Image drawn = picture(sheet.value().picture);
  EXPECT_EQ(drawn.width, 3 * 192);
  const int title = 44;
  const double scale = kBodyShare * 288 / 240;
  const std::vector<int> heights = {240, 240, 236};
  for (int i = 0; i < 3; ++i) {
    const Box box = inked(drawn, {192 * i, title, 192, 288});
    EXPECT_NEAR(box.bottom(), 265, 1) << i;  // 0.92 of 288, a whole row
    EXPECT_NEAR(box.height, scale * heights[static_cast<std::size_t>(i)], 2.4) << i;
  }
}

TEST_F(AssemblyTest, ViewsStandInTheOrderOfTheRecipe) {
  const Result<AssembledSheet> sheet = assemble(sheet_of(four_views()), blobs_);
  ASSERT_TRUE(sheet.ok()) << sheet.error().what;
  const Image drawn = picture(sheet.value().picture);
  for (int i = 0; i < 4; ++i) {  // the colour of the leg's middle tells the view
    const int x = 192 * i + 96 - 27, y = 44 + 240;
    const int red = drawn.pixels[static_cast<std::size_t>((y * drawn.width + x) * 3)];
    EXPECT_NEAR(red, 40 * i, 12) << i;
  }
}

TEST_F(AssemblyTest, TheSameTaskGivesTheSameBytes) {
  const core::AssembleSheet task = sheet_of({view_picture(0), noise(192, 288), std::nullopt});
  const AssembledSheet first = assemble(task, blobs_).value();
  const AssembledSheet second = assemble(task, blobs_).value();
  EXPECT_EQ(first.picture, second.picture);
  EXPECT_EQ(first.thumbnail, second.thumbnail);
  EXPECT_EQ(picture(first.thumbnail).height, 240);
}

TEST_F(AssemblyTest, AFailedPoseLeavesAMarkedGap) {
  auto views = four_views();
  views[2] = std::nullopt;
  const AssembledSheet sheet = assemble(sheet_of(views), blobs_).value();
  EXPECT_EQ(flags(sheet), (std::vector<std::string>{"left gap"}));
  EXPECT_GT(inked(picture(sheet.picture), {2 * 192, 44, 192, 288}).width, 150);
}

TEST_F(AssemblyTest, NoiseIsPlacedWholeAndFlagged) {
  auto views = four_views();
  views[1] = noise(192, 288);
  const AssembledSheet sheet = assemble(sheet_of(views), blobs_).value();
  EXPECT_EQ(flags(sheet), (std::vector<std::string>{"q_left no_figure"}));
  const Image drawn = picture(sheet.picture);
  int same = 0;
  for (int y = 0; y < 288; ++y) {
    const auto* row = &drawn.pixels[static_cast<std::size_t>(((44 + y) * drawn.width + 192) * 3)];
    same +=
        std::equal(row, row + 192 * 3, &views[1]->pixels[static_cast<std::size_t>(y * 192 * 3)]);
  }
  EXPECT_EQ(same, 288) << "small renders stand pixel for pixel";
}

TEST_F(AssemblyTest, WhatLooksWrongIsFlagged) {
  auto views = four_views();
  views[1] = view_picture(1, 18, 269);  // 252 rows, not 240
  views[2] = view_picture(0);           // the front again
  views[3] = view_picture(3, 47, 287);  // down to the border
  const AssembledSheet sheet = assemble(sheet_of(views), blobs_).value();
  EXPECT_EQ(flags(sheet),
            (std::vector<std::string>{"q_left height", "left duplicate", "q_back_left border"}));
  EXPECT_NE(sheet.checks.find("% taller"), std::string::npos) << sheet.checks;
}

TEST_F(AssemblyTest, ASheetOfOnlyGapsIsStillASheet) {
  const AssembledSheet sheet = assemble(sheet_of({std::nullopt, std::nullopt}), blobs_).value();
  EXPECT_EQ(flags(sheet).size(), 2u);
  EXPECT_EQ(picture(sheet.picture).width, 2 * 640);
}

TEST_F(AssemblyTest, AMissingOrBrokenPictureIsAnErrorThatNamesTheView) {
  core::AssembleSheet sheet = sheet_of(four_views());
  sheet.views[1].picture = sha256(std::string_view("never stored"));
  Result<AssembledSheet> result = assemble(sheet, blobs_);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Errc::not_found);
  EXPECT_TRUE(result.error().what.starts_with("view q_left of knight")) << result.error().what;

  const std::string text = "no picture";
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  sheet.views[1].picture = blobs_.put(bytes).value();
  result = assemble(sheet, blobs_);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().what.find("no picture but text"), std::string::npos)
      << result.error().what;
}

TEST_F(AssemblyTest, AFlatPictureIsFlaggedAsSuch) {
  auto views = four_views();
  views[1] = blank(192, 288, {0, 0, 0});
  const AssembledSheet sheet = assemble(sheet_of(views), blobs_).value();
  EXPECT_EQ(flags(sheet), (std::vector<std::string>{"q_left flat"}));
  EXPECT_NE(sheet.checks.find("every pixel is within 2/255 of (0, 0, 0)"), std::string::npos);
}

TEST_F(AssemblyTest, AGapSaysWhyAndACaptionSaysWhichTake) {
  auto views = four_views();
  views[2] = std::nullopt;
  const core::AssembleSheet task = sheet_of(views);
  SheetStory story;
  story.views.resize(4);
  const Image plain = picture(assembly::assemble(task, story, blobs_).value().picture);
  story.views[2].why = "out of memory";
  const Image said = picture(assembly::assemble(task, story, blobs_).value().picture);
  story.views[0].take = 12;
  const Image later = picture(assembly::assemble(task, story, blobs_).value().picture);
  const auto same = [&](const Image& a, const Image& b, const Box& box) {
    for (int y = box.top; y < box.bottom(); ++y) {
      const auto at = static_cast<std::size_t>((y * a.width + box.left) * 3);
      if (!std::equal(&a.pixels[at], &a.pixels[at] + box.width * 3, &b.pixels[at])) return false;
    }
    return true;
  };
  const Box gap{2 * 192, 44, 192, 288}, caption{0, 44 + 288, 192, 40};
  EXPECT_FALSE(same(plain, said, gap));
  EXPECT_TRUE(same(plain, said, {0, 0, 2 * 192, plain.height}));
  EXPECT_FALSE(same(said, later, caption));
  EXPECT_TRUE(same(said, later, {192, 0, 3 * 192, plain.height}));
}

TEST_F(AssemblyTest, GuideLinesRunUnderTheFiguresAndNotOverNoise) {
  auto views = four_views();
  views[1] = noise(192, 288);
  const Image drawn = picture(assemble(sheet_of(views), blobs_).value().picture);
  const auto row = [&](int cell, int y) {  // of a cell; how many pixels are a guide's colour
    int blue = 0;
    for (int x = 0; x < 192; ++x) {
      const auto at = static_cast<std::size_t>(((44 + y) * drawn.width + 192 * cell + x) * 3);
      const auto* p = &drawn.pixels[at];
      blue += p[0] < p[2] && p[0] > 180 ? 1 : 0;
    }
    return blue;
  };
  const int foot = 265, head = 23;       // 0.92 of 288, and 0.84 of 288 above that
  const int middle = (foot + head) / 2;  // through the trunk
  for (const int cell : {0, 2, 3}) {
    EXPECT_GT(row(cell, foot), 120) << cell;  // all along
    EXPECT_GT(row(cell, head), 140) << cell;
    EXPECT_LT(row(cell, foot - 3), 5) << cell;
    EXPECT_GT(row(cell, middle), 60) << cell;        // beside the figure …
    EXPECT_LT(row(cell, middle), 192 - 70) << cell;  // … which is 81 wide
  }
  EXPECT_LT(row(1, foot), 60);
}

TEST_F(AssemblyTest, ASheetSaysThatAModelMadeItAndHow) {
  const core::AssembleSheet task = sheet_of(four_views());
  SheetStory story;
  story.views.resize(4);
  story.parameters = "front v001, seed 7: a knight\nSteps: 4";
  const AssembledSheet sheet = assembly::assemble(task, story, blobs_).value();
  for (const Digest& digest : {sheet.picture, sheet.thumbnail}) {
    const auto texts = pirouette::testing::png_texts(blobs_.read(digest).value());
    EXPECT_EQ(texts.at("parameters").value, story.parameters);
    EXPECT_NE(texts.at("XML:com.adobe.xmp").value.find("/trainedAlgorithmicMedia\""),
              std::string::npos);
  }
}

// Whatever the size and the number of views: nothing is painted outside its own place.
TEST_F(AssemblyTest, WordsStayInTheirCells) {
  for (const auto& [width, height] : {std::pair{64, 96}, std::pair{192, 288}}) {
    for (int count : {1, 5, 8}) {
      core::AssembleSheet task;
      task.character = "Sir Bartholomew of the Long and Winding Name, second of his line";
      SheetStory story;
      for (int i = 0; i < count; ++i) {
        core::PlannedView planned{standard_views()[static_cast<std::size_t>(i)], std::nullopt};
        if (i % 2 == 0)
          planned.picture = blobs_.put(encode_png(blank(width, height)).value()).value();
        task.views.push_back(planned);
        story.views.push_back(
            {123456, "out of memory: an allocation of 24 GB failed on this worker"});
      }
      const Image drawn = picture(assembly::assemble(task, story, blobs_).value().picture);
      for (int i = 1; i < count; ++i) {  // a free column on both sides of each caption's border
        EXPECT_EQ(inked(drawn, {i * width - 1, 44 + height, 2, 40}).width, -2) << count << " " << i;
      }
      EXPECT_EQ(inked(drawn, {0, 0, 1, 44}).width, -1);
    }
  }
}

TEST_F(AssemblyTest, LabelsHaveOneSizeAndOneBaseline) {
  core::AssembleSheet sheet = sheet_of({view_picture(0), view_picture(1), view_picture(2)});
  sheet.views[0].view.name = "HH";
  sheet.views[1].view.name = "HHHHHHHHHHHHHHHHHH";  // 196 pixels wide at the usual size
  sheet.views[2].view.name = "Hg";
  const Image drawn = picture(assemble(sheet, blobs_).value().picture);
  const int under_the_rule = 44 + 288 + 3;
  const Box few = inked(drawn, {0, under_the_rule, 192, 20});
  const Box many = inked(drawn, {192, under_the_rule, 192, 20});
  const Box deep = inked(drawn, {2 * 192, under_the_rule, 192, 20});
  EXPECT_GT(many.width, 140);
  EXPECT_LE(many.width, 180);
  EXPECT_GE(many.height, 7);
  EXPECT_EQ(few.height, many.height);
  EXPECT_EQ(few.top, many.top);
  EXPECT_EQ(deep.top, many.top);
  EXPECT_GT(deep.height, many.height);
}

TEST_F(AssemblyTest, NamesTooLongToReadGiveWayToIds) {
  const auto drawn_with_names = [this](const Image& image, bool ids) {
    core::AssembleSheet sheet = sheet_of({image, image, image});
    for (core::PlannedView& planned : sheet.views) {
      if (ids) planned.view.name = planned.view.id;
    }
    return assemble(sheet, blobs_).value().picture;
  };
  EXPECT_EQ(drawn_with_names(blank(64, 96), false), drawn_with_names(blank(64, 96), true));
  EXPECT_NE(drawn_with_names(blank(192, 288), false), drawn_with_names(blank(192, 288), true));
}

TEST_F(AssemblyTest, LabelsAreTextAndNotMarkup) {
  core::AssembleSheet sheet = sheet_of({view_picture(0), view_picture(1)});
  sheet.views[0].view.name = "<b>& \"front";
  sheet.views[1].view.name = std::string(2000, 'W');
  EXPECT_TRUE(assemble(sheet, blobs_).ok());
}

}  // namespace
}  // namespace pirouette::assembly
