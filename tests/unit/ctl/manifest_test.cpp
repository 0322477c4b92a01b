// A CSV as a batch, and every cell that is wrong with its place.

#include "coordinator/ctl/submission.h"
#include "tests/unit/ctl/served.h"

namespace pirouette::ctl {
namespace {

class Manifest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("pirouette-manifest-" + std::to_string(::getpid()));
    fs::create_directories(folder_ / "art");
    write("knight.png", png_of("knight"));
    write("witch.jpeg", png_of("witch"));
    write("art/chef.png", png_of("chef"));
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }
  Result<Submission> read(const std::string& csv, const std::string& recipe = "") {
    write("manifest.csv", csv);
    SubmitOptions options;
    options.what = folder_ / "manifest.csv";
    if (!recipe.empty()) {
      write("own.json", recipe);
      options.recipe = folder_ / "own.json";
    }
    return read_submission(options, Instant{1'770'000'000'000'000});
  }
  std::string refusal(const std::string& csv) {
    const auto submission = read(csv);
    EXPECT_FALSE(submission.ok()) << csv;
    return submission.ok() ? "" : submission.error().what;
  }
  void expect_refusal(const std::string& csv, const std::string& words) {
    const std::string said = refusal(csv);
    EXPECT_NE(said.find(words), std::string::npos) << words << "\nnot in: " << said;
  }

  fs::path folder_;
};

TEST_F(Manifest, RowsAreCharacters) {
  const Submission submission = read(
                                    "Character,REFERENCE,Notes,pose set,seed,priority\r\n"
                                    "Sir Bors,knight.png,\"red cape,\r\nno helmet\",turn5,7,90\r\n"
                                    "witch,,,,,\r\n"
                                    ",art/chef.png,,front back,,\r\n")
                                    .value();
  const BatchSpec& batch = submission.batch;
  ASSERT_EQ(batch.sheets.size(), 3u);
  EXPECT_EQ(batch.name, folder_.filename().string()) << "every studio's file is called manifest";
  EXPECT_EQ(batch.sheets[0].character, "Sir Bors");
  EXPECT_EQ(batch.sheets[0].notes, "red cape,\r\nno helmet");
  EXPECT_EQ(batch.sheets[0].seed, 7u);
  EXPECT_EQ(batch.sheets[0].priority, 90);
  EXPECT_EQ(batch.sheets[1].character, "witch");
  EXPECT_EQ(batch.sheets[1].seed, std::nullopt);
  EXPECT_EQ(batch.sheets[1].priority, std::nullopt);
  EXPECT_EQ(batch.sheets[2].character, "chef");
  EXPECT_EQ(submission.pictures[1].original, sha256(png_of("witch")));
  EXPECT_EQ(submission.pictures[2].original, sha256(png_of("chef")));
  std::vector<std::string> views;
  for (const View& view : batch.recipe.views) views.push_back(view.id);
  EXPECT_EQ(views, (std::vector<std::string>{"front", "q_left", "left", "q_back_left", "back",
                                             "right", "q_right"}));
  EXPECT_EQ(batch.sheets[0].views, (std::vector<std::uint32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(batch.sheets[1].views, (std::vector<std::uint32_t>{0, 1, 2, 4, 5, 6}));
  EXPECT_EQ(batch.sheets[2].views, (std::vector<std::uint32_t>{0, 4}));
}

TEST_F(Manifest, AnyColumnsInAnyOrderWithAnyDelimiter) {
  EXPECT_EQ(read("character\nknight\n").value().batch.sheets.size(), 1u);
  EXPECT_EQ(read("priority;reference\n5;knight.png\n").value().batch.sheets[0].priority, 5);
  EXPECT_EQ(read("\xef\xbb\xbfreference\tseed\nknight.png\t0\n").value().batch.sheets[0].seed, 0u);
}

TEST_F(Manifest, AReferenceMayBeADigestOrAWholePath) {
  const std::string digest(64, 'a');
  const Submission submission =
      read("character,reference\na," + digest + "\nb," + (folder_ / "knight.png").string() + "\n")
          .value();
  EXPECT_EQ(to_hex(submission.batch.sheets[0].reference), digest);
  EXPECT_TRUE(submission.pictures[0].file.empty());
  EXPECT_EQ(submission.pictures[1].original, sha256(png_of("knight")));
}

TEST_F(Manifest, ARecipesOwnViewsCanBeNamed) {
  const auto submission = read("character,pose_set\nknight,low\nwitch,custom\n",
                               R"({"pose_set": [{"id": "low", "azimuth": 5, "name": "from below"},
                       {"id": "high", "azimuth": 6, "name": "from above"}]})");
  ASSERT_TRUE(submission.ok()) << submission.error().what;
  EXPECT_EQ(submission.value().batch.sheets[0].views, std::vector<std::uint32_t>{0});
  EXPECT_TRUE(submission.value().batch.sheets[1].views.empty());
}

TEST_F(Manifest, EveryWrongCellIsNamedWithLineAndColumn) {
  write("text.png", "this is not a picture");
  write("huge.png", png_of("huge", 10'000, 10'000));
  const std::string said = refusal(
      "character,reference,notes,pose_set,seed,priority\n"
      "knight,gone.png,,,,\n"                    // 2
      "a/b,knight.png,\"two\nlines\",,-1,101\n"  // 3 and 4
      "witch,,,std7,x,\n"                        // 5
      "WITCH,knight.png,,front front,,\n"        // 6
      "t,text.png,,,,\n"                         // 7
      "h,huge.png,\x01,,,\n"                     // 8
      ",,some notes,,,\n"                        // 9
      "nobody,,,,,\n"                            // 10
      "short,knight.png\n"                       // 11
      "q,knight.png,5\" tall,,,\n"               // 12
      "latin,knight.png,\xe9t\xe9,,,\n");        // 13
  for (const char* words :
       {"manifest.csv:2:2(reference): there is no file ",
        "manifest.csv:3:1(character): a character's name must not have '/'",
        "manifest.csv:4:5(seed): a seed is a whole number from 0 to 9223372036854775807, not "
        "\"-1\"",
        "manifest.csv:4:6(priority): a priority is a whole number from 0 (last) to 100 (first), "
        "not \"101\"",
        "manifest.csv:5:4(pose_set): there is no view \"std7\"; there are front",
        "pose sets are std6, turn5, ortho4, game8",
        "manifest.csv:5:5(seed): a seed is a whole number",
        "manifest.csv:6:1(character): \"WITCH\" is on line 5 already",
        "manifest.csv:6:4(pose_set): the view \"front\" is named twice",
        "manifest.csv:7:2(reference): this is no picture but text",
        "manifest.csv:8:2(reference): the picture is 10000x10000 (100 megapixels)",
        "manifest.csv:8:3(notes): the notes have control characters",
        "manifest.csv:9:1(character): the row names no character",
        "manifest.csv:10:2(reference): there is no picture nobody (.png, .jpg, .jpeg or .webp)",
        "manifest.csv:11: the row has 2 cells and the header 6",
        "manifest.csv:12:3(notes): a quote stands inside",
        "manifest.csv:13:3: this is not UTF-8 text",
        "16 things are wrong, so nothing was submitted"}) {
    EXPECT_NE(said.find(words), std::string::npos) << words << "\nnot in: " << said;
  }
}

TEST_F(Manifest, AWrongHeaderSaysWhichColumnsThereAre) {
  const std::string known = "the columns are character, reference, notes, pose_set, seed, priority";
  expect_refusal("character,poses\nknight,std6\n",
                 "manifest.csv:1:2: there is no column \"poses\"; " + known);
  expect_refusal("character,\nknight,std6\n",
                 "manifest.csv:1:2: this column has no name; " + known);
  expect_refusal("character,Character\na,b\n",
                 "manifest.csv:1:2: the column character is there twice");
  expect_refusal("notes,seed\nx,1\n", "neither a column character nor a column reference");
  expect_refusal("", "manifest.csv: it is empty; its first line names the columns");
  expect_refusal("character\n", "it has a header and no rows");
}

TEST_F(Manifest, TwoPicturesOfOneNameMustBeToldApart) {
  write("knight.webp", png_of("other"));
  expect_refusal("character\nknight\n",
                 "manifest.csv:2:1(character): both knight.png and knight.webp are there");
}

TEST_F(Manifest, OfVeryManyMistakesTheFirstAreNamed) {
  std::string csv = "character,seed\n";
  for (int i = 0; i < 70; ++i) csv += "c" + std::to_string(i) + ",x\n";
  const std::string said = refusal(csv);
  EXPECT_NE(said.find("140 things are wrong"), std::string::npos) << said;
  EXPECT_NE(said.find("and 90 more: correct these first"), std::string::npos) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 51);
}

}  // namespace
}  // namespace pirouette::ctl
