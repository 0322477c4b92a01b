#include "worker/flux/storage/gguf.h"

#include <gtest/gtest.h>

#include "tests/support/gguf_file.h"

namespace pirouette::flux {
namespace {

std::string complaint(const std::vector<std::uint8_t>& file) {
  const auto parsed = parse_gguf(file);
  return parsed.ok() ? "nothing" : parsed.error().what;
}

std::vector<std::uint8_t> bytes_of(std::size_t count) { return std::vector<std::uint8_t>(count); }

GgufFile two_tensors() {
  GgufFile file;
  file.add_text("general.architecture", "flux");
  file.add_number("general.quantization_version", 2);
  file.add_texts("tokenizer.ggml.tokens", {"a", "bc", ""});
  file.add_tensor("a.weight", {4, 64}, 2, bytes_of(4 * 2 * 18));  // Q4_0
  file.add_tensor("a.bias", {4}, 0, bytes_of(16));                // F32
  return file;
}

TEST(Gguf, ReadsTensorsTextsAndNumbers) {
  const auto file = two_tensors().bytes();
  const auto parsed = parse_gguf(file);
  ASSERT_TRUE(parsed.ok()) << parsed.error().what;
  const auto& [entries, metadata] = parsed.value();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "a.weight");
  EXPECT_EQ(entries[0].dtype, Dtype::q4_0);
  EXPECT_EQ(entries[0].shape, (std::vector<std::int64_t>{4, 64}));
  EXPECT_EQ(entries[0].begin % 32, 0u);
  EXPECT_EQ(entries[0].end - entries[0].begin, 144u);
  EXPECT_EQ(entries[1].dtype, Dtype::f32);
  EXPECT_EQ(metadata.at("general.architecture"), "flux");
  EXPECT_EQ(metadata.at("general.quantization_version"), "2");
}

TEST(Gguf, TheShapeBeforeAConvertersReshapeComesBack) {
  GgufFile file;
  file.add_numbers("comfy.gguf.orig_shape.a.weight", {32, 2, 4});
  file.add_tensor("a.weight", {1, 256}, 12, bytes_of(144));  // Q4_K
  const auto parsed = parse_gguf(file.bytes());
  ASSERT_TRUE(parsed.ok()) << parsed.error().what;
  EXPECT_EQ(parsed.value().entries[0].shape, (std::vector<std::int64_t>{32, 2, 4}));

  GgufFile wrong;
  wrong.add_numbers("comfy.gguf.orig_shape.a.weight", {32, 9});
  wrong.add_tensor("a.weight", {1, 256}, 12, bytes_of(144));
  EXPECT_EQ(complaint(wrong.bytes()),
            "tensor \"a.weight\" has an original shape [32, 9] of another size than its [1, 256]");
}

TEST(Gguf, CutOffAnywhereIsAnError) {
  const auto file = two_tensors().bytes();
  const std::size_t last = file.size() - 16;  // what is behind it is padding
  for (std::size_t length = 0; length < last; ++length)
    EXPECT_NE(complaint({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)}),
              "nothing")
        << length;
}

TEST(Gguf, CutOffBeforeTensorsWithoutBytesIsAnErrorToo) {
  GgufFile file;
  file.add_tensor("a.bias", {0}, 0, {});
  auto bytes = file.bytes();
  ASSERT_EQ(complaint(bytes), "nothing");
  bytes.resize(bytes.size() - 1);
  EXPECT_EQ(complaint(bytes),
            "the file ends before its tensors begin: it is cut off; get it again");
}

TEST(Gguf, WhatIsNotReadIsNamed) {
  GgufFile file;
  file.add_tensor("a.weight", {1, 256}, 10, bytes_of(84));
  EXPECT_EQ(complaint(file.bytes()),
            "tensor \"a.weight\" is stored as Q2_K, which is not read; use a Q8_0, Q6_K, Q5_K, "
            "Q4_K, Q5_0, Q4_0 or F16 file of this model");
  GgufFile strange;
  strange.add_tensor("a.weight", {1, 256}, 999, bytes_of(84));
  EXPECT_NE(complaint(strange.bytes()).find("is stored as type 999"), std::string::npos);
  EXPECT_EQ(complaint(GgufFile(1).bytes()), "this is GGUF version 1; versions 2 and 3 are read");
}

TEST(Gguf, RowsThatFillNoWholeBlocksAreErrors) {
  GgufFile file;
  file.add_tensor("a.weight", {32, 33}, 8, bytes_of(33 * 34));
  EXPECT_EQ(complaint(file.bytes()),
            "tensor \"a.weight\" has the shape [32, 33], which is too large to count or does not "
            "fill whole blocks of Q8_0");
  GgufFile huge;
  huge.add_tensor("a.weight", {std::int64_t{1} << 62, 64}, 0, {});
  EXPECT_NE(complaint(huge.bytes()).find("too large to count"), std::string::npos);
}

TEST(Gguf, ATensorUnderANameOfAnotherIsAnError) {
  GgufFile file;
  file.add_tensor("a", {1}, 0, bytes_of(4));
  file.add_tensor("a", {1}, 0, bytes_of(4));
  EXPECT_EQ(complaint(file.bytes()), "tensor \"a\" stands twice in the header");
}

TEST(Gguf, AlignmentsThatAreNoneAreErrors) {
  for (const std::uint32_t alignment : {0u, 3u, 1u << 30}) {
    GgufFile file;
    file.add_number("general.alignment", alignment);
    EXPECT_NE(complaint(file.bytes()).find("general.alignment is not a"), std::string::npos);
  }
}

TEST(Gguf, AnythingElseIsNoGguf) {
  EXPECT_EQ(complaint({}), "the file does not begin with GGUF");
  EXPECT_EQ(complaint({'G', 'G', 'U', 'F'}),
            "the file ends inside its GGUF header: it is cut off; get it again");
}

}  // namespace
}  // namespace pirouette::flux
