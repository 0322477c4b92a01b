// One scale, one foot line, bodies in the middle.

#include "coordinator/assembly/layout.h"

#include <gtest/gtest.h>

namespace pirouette::assembly {
namespace {

ViewPicture standing(int head, int foot, int left = 300, int right = 532) {
  Figure figure;
  figure.box = {left, head, right - left, foot + 1 - head};
  figure.head_row = head;
  figure.foot_row = foot;
  figure.centre_column = (left + right) / 2;
  return {832, 1248, figure};
}

double foot_line(const Cell& cell, const ViewPicture& view) {
  return cell.top + cell.scale * (view.figure->foot_row + 1);
}

TEST(Layout, SixViewsOfTheUsualSizeMakeTheUsualSheet) {
  const Layout layout = lay_out(std::vector<std::optional<ViewPicture>>(6, standing(100, 1149)));
  EXPECT_EQ(layout.width, 3840);
  EXPECT_EQ(layout.height, 1200);
  EXPECT_EQ(layout.cells[1].box.left, 640);
  EXPECT_EQ(layout.cells[0].box.height, 960);
}

TEST(Layout, AllViewsShareOneScaleAndOneFootLine) {
  const std::vector<std::optional<ViewPicture>> views = {standing(100, 1149), standing(140, 1189),
                                                         standing(60, 1129), standing(100, 1128)};
  const Layout layout = lay_out(views);
  for (std::size_t i = 0; i < views.size(); ++i) {
    const Cell& cell = layout.cells[i];
    EXPECT_EQ(cell.content, Cell::Content::figure);
    EXPECT_DOUBLE_EQ(cell.scale, layout.cells[0].scale);
    EXPECT_NEAR(foot_line(cell, *views[i]), kFootLine * cell.box.height, 1);
    EXPECT_NEAR(cell.left + cell.scale * (views[i]->figure->centre_column + 0.5),
                cell.box.width / 2.0, 1);
  }
  EXPECT_NEAR(layout.cells[0].scale * layout.medians.body, kBodyShare * 960, 1);
}

TEST(Layout, ATallWeaponMakesRoomForItselfInEveryCell) {
  ViewPicture armed = standing(300, 1149);
  armed.figure->box = {300, 5, 232, 1145};
  const Layout layout = lay_out({standing(300, 1149), armed, standing(300, 1149)});
  EXPECT_DOUBLE_EQ(layout.cells[0].scale, layout.cells[1].scale);
  EXPECT_GE(layout.cells[1].top + layout.cells[1].scale * 5, 0);
}

TEST(Layout, AFigureOfQuiteAnotherHeightDoesNotShrinkTheRest) {
  const auto normal = standing(100, 1149);
  const Layout layout = lay_out({normal, normal, standing(800, 1149), normal});
  EXPECT_EQ(layout.cells[2].content, Cell::Content::whole);
  EXPECT_DOUBLE_EQ(layout.cells[0].scale, lay_out({normal, normal}).cells[0].scale);
}

TEST(Layout, APictureWithoutFigureIsPlacedWholeWithItsShape) {
  const Layout layout = lay_out({standing(100, 1149), ViewPicture{1000, 1000, std::nullopt}});
  const Cell& cell = layout.cells[1];
  EXPECT_EQ(cell.content, Cell::Content::whole);
  EXPECT_NEAR(cell.scale * 1000, 640, 1);
  EXPECT_NEAR(cell.top, (960 - 640) / 2, 1);
}

TEST(Layout, SmallRendersKeepTheirSizeAndLegibleLabels) {
  const Layout layout = lay_out({ViewPicture{192, 288, std::nullopt}, std::nullopt});
  EXPECT_EQ(layout.cells[0].box.width, 192);
  EXPECT_EQ(layout.cells[0].box.height, 288);
  EXPECT_GE(layout.cells[0].label.height, 40);
  EXPECT_EQ(layout.cells[1].content, Cell::Content::gap);
}

TEST(Layout, ManyViewsWrapIntoRowsAndOnlyGapsStillMakeASheet) {
  const Layout layout = lay_out(std::vector<std::optional<ViewPicture>>(20));
  EXPECT_EQ(layout.width, 7 * 640);
  EXPECT_EQ(layout.cells[7].box.left, 0);
  EXPECT_GT(layout.cells[7].box.top, layout.cells[6].label.bottom() - 1);
  EXPECT_EQ(layout.cells[19].label.bottom(), layout.height);
}

}  // namespace
}  // namespace pirouette::assembly
