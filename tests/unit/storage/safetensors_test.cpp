#include "worker/flux/storage/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

namespace pirouette::flux {
namespace {

// A file of this header, followed by so many bytes of data.
std::vector<std::uint8_t> file_of(const std::string& header, std::size_t data_bytes) {
  std::vector<std::uint8_t> file(8 + header.size() + data_bytes);
  const std::uint64_t header_bytes = header.size();
  std::memcpy(file.data(), &header_bytes, 8);
  std::memcpy(file.data() + 8, header.data(), header.size());
  return file;
}

std::string complaint(const std::vector<std::uint8_t>& file) {
  const auto parsed = parse_safetensors(file);
  if (parsed.ok()) return "nothing";
  EXPECT_EQ(parsed.error().code, Errc::corrupt);
  return parsed.error().what;
}

std::string complaint(const std::string& header, std::size_t data_bytes) {
  return complaint(file_of(header, data_bytes));
}

std::vector<std::uint8_t> two_tensors() {
  static const std::vector<std::uint8_t> bytes = {1, 2, 3, 4, 5, 6, 7, 8};
  return format_safetensors({{"a", Dtype::u8, {2, 3}, std::span(bytes).first(6)},
                             {"b", Dtype::bf16, {1}, std::span(bytes).last(2)}},
                            {{"format", "pt"}});
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const auto file = two_tensors();
  const auto parsed = parse_safetensors(file);
  ASSERT_TRUE(parsed.ok()) << parsed.error().what;
  const auto& entries = parsed.value().entries;
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[0].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(entries[1].dtype, Dtype::bf16);
  EXPECT_EQ(entries[1].end, file.size());
  EXPECT_EQ(file[entries[1].begin], 7);
  EXPECT_EQ(entries[0].begin % 8, 0u);
  EXPECT_EQ(parsed.value().metadata.at("format"), "pt");
}

TEST(Safetensors, CutOffAnywhereIsAnError) {
  const auto file = two_tensors();
  for (std::size_t length = 0; length < file.size(); ++length)
    EXPECT_NE(complaint({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)}),
              "nothing")
        << length;
}

TEST(Safetensors, CutOffDataNamesTheTensorAndSaysWhatToDo) {
  const auto file = two_tensors();
  EXPECT_EQ(complaint({file.begin(), file.end() - 1}),
            "tensor \"b\" ends at byte 8 of 7: the file is cut off; get it again");
}

TEST(Safetensors, OverlapsNameBothTensors) {
  EXPECT_EQ(complaint(R"({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
                          "b": {"dtype": "U8", "shape": [4], "data_offsets": [2, 6]}})",
                      6),
            "tensor \"b\" overlaps tensor \"a\"");
}

TEST(Safetensors, BytesThatBelongToNoTensorAreDamage) {
  EXPECT_EQ(complaint(R"({"a": {"dtype": "U8", "shape": [4], "data_offsets": [2, 6]}})", 6),
            "tensor \"a\" leaves 2 bytes before it that belong to no tensor");
  EXPECT_EQ(complaint(R"({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}})", 6),
            "the file has 2 bytes after its last tensor");
}

TEST(Safetensors, ShapesThatDoNotFitTheirBytesAreErrors) {
  EXPECT_EQ(complaint(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})", 4),
            "tensor \"a\" has 4 bytes where its shape needs 8");
  EXPECT_EQ(complaint(R"({"a": {"dtype": "F32", "shape": [4611686018427387904, 4],
                          "data_offsets": [0, 0]}})",
                      0),
            "tensor \"a\" has a shape too large to count");
  EXPECT_EQ(complaint(R"({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", 4),
            "tensor \"a\" has a size that is no count");
  EXPECT_EQ(complaint(R"({"a": {"dtype": "F32", "shape": [1,1,1,1,1,1,1,1,1],
                          "data_offsets": [0, 4]}})",
                      4),
            "tensor \"a\" has more than 8 dimensions");
  EXPECT_EQ(complaint(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}})", 4),
            "tensor \"a\" ends before it begins");
}

TEST(Safetensors, UnknownDtypesAreNamed) {
  EXPECT_EQ(complaint(R"({"a": {"dtype": "F4", "shape": [1], "data_offsets": [0, 1]}})", 1),
            "tensor \"a\" has the unknown dtype \"F4\"");
}

TEST(Safetensors, ANameThatStandsTwiceIsAnError) {
  EXPECT_EQ(complaint(R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
                          "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})",
                      1),
            "tensor \"a\" stands twice in the header");
}

TEST(Safetensors, HeadersThatClaimTooMuchAreRefusedUnread) {
  std::vector<std::uint8_t> file(8, 0xff);
  EXPECT_EQ(complaint(file),
            "it is neither a safetensors nor a GGUF file: as a safetensors header it would have "
            "18446744073709551615 bytes, where the limit is 100000000");
  EXPECT_EQ(complaint(std::string("[]"), 0), "the safetensors header is not a JSON object");
  EXPECT_EQ(complaint(std::string("{\"a\""), 0), "the safetensors header is not valid JSON");
  EXPECT_EQ(complaint("{\"a\": " + std::string(100'000, '[') + "}", 0),
            "tensor \"a\" is described by something nested too deep");
}

TEST(Safetensors, WhatIsMissingFromATensorIsNamed) {
  EXPECT_EQ(complaint(R"({"a": 1})", 0), "tensor \"a\" is not described by an object");
  EXPECT_EQ(complaint(R"({"a": {"shape": [], "data_offsets": [0, 0]}})", 0),
            "tensor \"a\" has no dtype");
  EXPECT_EQ(complaint(R"({"a": {"dtype": "U8", "data_offsets": [0, 0]}})", 0),
            "tensor \"a\" has no shape");
  EXPECT_EQ(complaint(R"({"a": {"dtype": "U8", "shape": []}})", 0),
            "tensor \"a\" has no pair of data_offsets");
}

TEST(Safetensors, NamesFromStrangersAreShownCutAndClean) {
  const std::string name(1000, 'x');
  const std::string said = complaint("{\"\\n" + name + "\": 1}", 0);
  EXPECT_EQ(said.find('\n'), std::string::npos);
  EXPECT_LT(said.size(), 200u);
}

}  // namespace
}  // namespace pirouette::flux
