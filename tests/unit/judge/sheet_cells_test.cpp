// The judge finds in a finished sheet what was put together: right cells pass, wrong ones do not.

#include "tests/support/sheet_cells.h"

#include <gtest/gtest.h>

#include "coordinator/assembly/assembly.h"
#include "tests/judge/tally.h"
#include "tests/support/folder.h"

namespace pirouette::judge {
namespace {

constexpr Size kSize{96, 144};

const Panel& panel() {
  static const Panel drawn(
      {characters::character_of(1'000'000), characters::character_of(1'000'001),
       characters::character_of(1'000'002)},
      kSize);
  return drawn;
}

// A sheet of these pictures under the names of the eight views, judged cell by cell.
Tally judged(const std::vector<Image>& pictures, std::size_t character) {
  const TestFolder folder;
  Blobs blobs = Blobs::open(folder.path()).value();
  core::AssembleSheet sheet;
  sheet.character = "one";
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    core::PlannedView planned;
    planned.view = standard_views()[i];
    planned.picture = blobs.put(encode_png(pictures[i]).value()).value();
    sheet.views.push_back(planned);
  }
  assembly::SheetStory story;
  story.views.resize(pictures.size());
  const auto made = assembly::assemble(sheet, story, blobs).value();
  const Image finished = decode_png(blobs.read(made.picture).value()).value();
  Tally tally;
  const auto cells = testing::cut_cells(finished, pictures);
  for (std::size_t view = 0; view < cells.size(); ++view)
    tally.add(panel().judge(cells[view], character, view).value());
  return tally;
}

std::vector<Image> turnaround(std::size_t character, std::size_t turn = 0) {
  std::vector<Image> pictures;
  for (std::size_t view = 0; view < standard_views().size(); ++view)
    pictures.push_back(panel().truth(character, (view + turn) % standard_views().size()));
  return pictures;
}

TEST(SheetCells, ATrueSheetHasTheRightViewInEachCell) {
  for (std::size_t character = 0; character < panel().count(); ++character) {
    const Tally tally = judged(turnaround(character), character);
    EXPECT_EQ(tally.views.right, 8);
    EXPECT_EQ(tally.characters.right, 8);
    EXPECT_GE(tally.sides.share(), 0.95);
  }
}

TEST(SheetCells, WrongCellsAreFound) {
  EXPECT_EQ(judged(turnaround(0, 3), 0).views.right, 0);
  EXPECT_LE(judged(turnaround(1), 0).characters.right, 1);
  std::vector<Image> exchanged = turnaround(0);
  std::swap(exchanged[2], exchanged[6]);
  EXPECT_EQ(judged(exchanged, 0).views.right, 6);
}

}  // namespace
}  // namespace pirouette::judge
