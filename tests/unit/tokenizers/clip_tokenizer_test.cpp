#include "worker/flux/tokenizers/clip_tokenizer.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/folder.h"
#include "tests/unit/tokenizers/golden_rows.h"

namespace pirouette::flux {
namespace fs = std::filesystem;
namespace {

using Ids = std::vector<std::int64_t>;

ClipTokenizer tiny() { return ClipTokenizer::load(tiny_kontext() / "tokenizer").value(); }

TEST(ClipTokenizer, GivesTheReferenceIdsWithTheTinyVocabulary) {
  const ClipTokenizer tokenizer = tiny();
  const auto rows = load_json(tiny_kontext() / "cases.json")["tokenizer"];
  ASSERT_GT(rows.size(), 20u);
  for (const auto& row : rows) {
    EXPECT_EQ(tokenizer.encode(row["text"].get<std::string>()), row["clip_ids_77"].get<Ids>())
        << row["text"];
  }
}

// The real vocabulary is not part of the repository.
TEST(ClipTokenizer, GivesTheReferenceIdsWithTheRealVocabulary) {
  const char* set = std::getenv("PIROUETTE_CLIP_VOCAB");
  const fs::path folder =
      set ? fs::path(set) : fs::path(PIROUETTE_SOURCE_DIR) / "../shared/golden/clip-vocab";
  if (!fs::exists(folder / "cases.json")) {
    GTEST_SKIP() << "left out: no CLIP vocabulary at hand; PIROUETTE_CLIP_VOCAB names its folder";
  }
  const ClipTokenizer tokenizer = ClipTokenizer::load(folder).value();
  const auto rows = load_json(folder / "cases.json");
  ASSERT_GT(rows.size(), 30u);
  for (const auto& row : rows) {
    EXPECT_EQ(tokenizer.encode(row["text"].get<std::string>()), row["ids_77"].get<Ids>())
        << row["text"];
  }
}

TEST(ClipTokenizer, LongTextIsCutAndStillEnds) {
  const ClipTokenizer tokenizer = tiny();
  std::string text;
  for (int i = 0; i < 500; ++i) text += "word <|endoftext|> ";
  const Ids ids = tokenizer.encode(text);
  EXPECT_EQ(ids.size(), kClipTokens);
  EXPECT_EQ(ids.back(), tokenizer.end_id());
}

TEST(ClipTokenizer, BrokenUtf8IsReadAsReplacementCharacters) {
  const ClipTokenizer tokenizer = tiny();
  EXPECT_EQ(tokenizer.encode("a\xFF z\xC3"), tokenizer.encode("a\uFFFD z\uFFFD"));
}

TEST(ClipTokenizer, OneHugeWordIsQuick) {
  const ClipTokenizer tokenizer = tiny();
  EXPECT_EQ(tokenizer.encode(std::string(8192, 'a')).size(), kClipTokens);
}

class ClipFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    write("vocab.json", R"({"a": 0, "b</w>": 1, "ab</w>": 2, "<s>": 3, "</s>": 4,
                            "<|startoftext|>": 5, "<|endoftext|>": 6})");
    write("merges.txt", "#version: 0.2\na b</w>\n");
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }
  std::string complaint() { return ClipTokenizer::load(folder_).error().what; }

  const TestFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(ClipFolder, SpecialTokensAreTheConfigsOrClipsOwn) {
  EXPECT_EQ(ClipTokenizer::load(folder_).value().encode("ab")[0], 5);
  EXPECT_EQ(ClipTokenizer::load(folder_).value().encode("ab")[1], 2);
  write("tokenizer_config.json", R"({"bos_token": {"content": "<s>"}, "eos_token": "</s>",
                                     "unk_token": "</s>", "pad_token": "a"})");
  const Ids ids = ClipTokenizer::load(folder_).value().encode("b");
  EXPECT_EQ((Ids{ids.begin(), ids.begin() + 4}), (Ids{3, 1, 4, 0}));
}

TEST_F(ClipFolder, BrokenFilesAreNamed) {
  write("merges.txt", "#version: 0.2\na c</w>\n");
  EXPECT_NE(complaint().find("merges.txt"), std::string::npos);
  write("merges.txt", "a b</w>\nab\n");
  EXPECT_NE(complaint().find("line 2"), std::string::npos);
  write("merges.txt", "");
  write("vocab.json", R"({"a": -1})");
  EXPECT_NE(complaint().find("vocab.json"), std::string::npos);
  write("vocab.json", "[");
  EXPECT_NE(complaint().find("vocab.json"), std::string::npos);
  write("vocab.json", R"({"a": 0})");
  EXPECT_NE(complaint().find("<|startoftext|>"), std::string::npos);
  fs::remove(folder_ / "vocab.json");
  EXPECT_EQ(ClipTokenizer::load(folder_).error().code, Errc::not_found);
}

}  // namespace
}  // namespace pirouette::flux
