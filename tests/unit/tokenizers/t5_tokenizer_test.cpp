#include "worker/flux/tokenizers/t5_tokenizer.h"

#include <fstream>

#include "spiece.pb.h"
#include "tests/support/folder.h"
#include "tests/unit/tokenizers/golden_rows.h"

namespace pirouette::flux {
namespace fs = std::filesystem;
namespace {

using Ids = std::vector<std::int64_t>;

T5Tokenizer tiny() { return T5Tokenizer::load(tiny_kontext() / "tokenizer_2").value(); }

TEST(T5Tokenizer, GivesTheReferenceIds) {
  const T5Tokenizer tokenizer = tiny();
  const auto rows = load_json(tiny_kontext() / "cases.json")["tokenizer"];
  ASSERT_GT(rows.size(), 20u);
  for (const auto& row : rows) {
    const char* expected = row.contains("t5_ids_hf_fast") ? "t5_ids_hf_fast" : "t5_ids";
    EXPECT_EQ(tokenizer.tokenize(row["text"].get<std::string>()), row[expected].get<Ids>())
        << row["text"];
  }
}

// What libsentencepiece 0.1.97 gave for random texts of every script, broken UTF-8 among them. A
// row: the text's bytes in hexadecimal after an x, how many ids, the ids.
TEST(T5Tokenizer, AgreesWithSentencepieceOnRandomTexts) {
  const T5Tokenizer tokenizer = tiny();
  std::ifstream rows(fs::path(PIROUETTE_SOURCE_DIR) / "tests/data/spiece_random.txt");
  std::size_t count = 0;
  for (std::string hex; rows >> hex; ++count) {
    std::string text;
    for (std::size_t i = 1; i + 1 < hex.size(); i += 2) {
      text += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    std::size_t size = 0;
    rows >> size;
    Ids expected(size);
    for (auto& id : expected) rows >> id;
    EXPECT_EQ(tokenizer.tokenize(text), expected) << text;
  }
  EXPECT_GE(count, 400u);
}

TEST(T5Tokenizer, EncodeCutsOrPadsToTheLength) {
  const T5Tokenizer tokenizer = tiny();
  const Ids whole = tokenizer.tokenize("front view");
  ASSERT_GT(whole.size(), 2u);
  Ids padded = whole;
  padded.resize(16, 0);
  EXPECT_EQ(tokenizer.encode("front view", 16), padded);
  EXPECT_EQ(tokenizer.encode("front view", 2), (Ids{whole[0], 1}));
}

class SpieceFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    add("<pad>", 0, spiece::Model::Piece::CONTROL);
    add("</s>", 0, spiece::Model::Piece::CONTROL);
    add("<unk>", 0, spiece::Model::Piece::UNKNOWN);
    add("\u2581", -2);
    add("a", -1);
    add("b", -1);
    add("ab", -3);
  }

  void add(const std::string& text, float score,
           spiece::Model::Piece::Type type = spiece::Model::Piece::NORMAL) {
    auto* piece = model_.add_pieces();
    piece->set_piece(text);
    piece->set_score(score);
    piece->set_type(type);
  }
  Result<T5Tokenizer> load() {
    std::ofstream(folder_ / "spiece.model", std::ios::binary) << model_.SerializeAsString();
    return T5Tokenizer::load(folder_);
  }
  std::string complaint() { return load().error().what; }

  const TestFolder temporary_;
  const fs::path folder_ = temporary_.path();
  spiece::Model model_;
};

TEST_F(SpieceFolder, TheBestSumOfScoresWins) {
  EXPECT_EQ(load().value().tokenize("ab"), (Ids{3, 4, 5, 1}));
  model_.mutable_pieces(6)->set_score(-1.5f);
  EXPECT_EQ(load().value().tokenize("ab"), (Ids{3, 6, 1}));
}

TEST_F(SpieceFolder, RunOfUnknownTextIsOneToken) {
  EXPECT_EQ(load().value().tokenize("axyza"), (Ids{3, 4, 2, 4, 1}));
  EXPECT_EQ(load().value().tokenize("<unk>x"), (Ids{2, 3, 2, 1}));
}

TEST_F(SpieceFolder, UnknownTextIsSpelledInBytesWhereTheModelSaysSo) {
  model_.mutable_trainer()->set_byte_fallback(true);
  EXPECT_NE(complaint().find("256"), std::string::npos);
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", static_cast<unsigned>(byte & 0xFF));
    add(text, 0, spiece::Model::Piece::BYTE);
  }
  EXPECT_EQ(load().value().tokenize("\u00E9"), (Ids{3, 7 + 0xC3, 7 + 0xA9, 1}));
}

TEST_F(SpieceFolder, SentinelsCountDownFromTheVocabularysEnd) {
  EXPECT_EQ(load().value().tokenize("<extra_id_0><extra_id_99>"), (Ids{106, 7, 1}));
  std::ofstream(folder_ / "tokenizer_config.json")
      << R"({"added_tokens_decoder": {"40": {"content": "<extra_id_0>"}}})";
  EXPECT_EQ(load().value().tokenize("<extra_id_0>a"), (Ids{40, 3, 4, 1}));
}

TEST_F(SpieceFolder, WhiteSpaceIsKeptWhereTheModelKeepsIt) {
  model_.mutable_normalizer()->set_remove_extra_whitespaces(false);
  EXPECT_EQ(load().value().tokenize(" a  "), (Ids{3, 3, 4, 3, 3, 1}));
  model_.mutable_normalizer()->set_add_dummy_prefix(false);
  EXPECT_EQ(load().value().tokenize("a b"), (Ids{4, 3, 5, 1}));
}

TEST_F(SpieceFolder, BrokenModelsAreRefused) {
  model_.mutable_normalizer()->set_precompiled_charsmap("\x08");
  EXPECT_NE(complaint().find("replacements"), std::string::npos);
  model_.clear_normalizer();
  add("ab", -1);
  EXPECT_NE(complaint().find("twice"), std::string::npos);
  model_.mutable_pieces()->RemoveLast();
  model_.mutable_trainer()->set_kind(spiece::Model::Trainer::BPE);
  EXPECT_NE(complaint().find("unigram"), std::string::npos);
  model_.clear_trainer();
  add("", -1);
  EXPECT_NE(complaint().find("piece 7"), std::string::npos);
  model_.clear_pieces();
  EXPECT_EQ(load().error().code, Errc::corrupt);
  std::ofstream(folder_ / "spiece.model") << "not a model";
  EXPECT_EQ(T5Tokenizer::load(folder_).error().code, Errc::corrupt);
}

TEST_F(SpieceFolder, TableOfReplacementsMayBeAnything) {
  std::string blob("\x20\0\0\0", 4);
  for (int i = 0; i < 32; ++i) blob += static_cast<char>(i * 37);
  blob += "no zero byte at the end";
  for (std::size_t at = 4; at < 36; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string broken = blob;
      broken[at] = static_cast<char>(broken[at] ^ (1 << bit));
      model_.mutable_normalizer()->set_precompiled_charsmap(broken);
      const auto tokenizer = load();
      ASSERT_TRUE(tokenizer.ok());
      EXPECT_EQ(tokenizer.value().tokenize("ab\x80\xFF any text").back(), 1);
    }
  }
}

}  // namespace
}  // namespace pirouette::flux
