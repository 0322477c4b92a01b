#include "worker/flux/storage/model_numbers.h"

#include <gtest/gtest.h>

namespace pirouette::flux {
namespace {

Result<SideFile> parse(std::string_view text) {
  return parse_side_file({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string complaint(std::string_view text) {
  const auto parsed = parse(text);
  return parsed.ok() ? "nothing" : parsed.error().what;
}

TEST(ModelNumbers, WhatASideFileSaysReplacesFluxsNumbers) {
  const auto side = parse(R"({"transformer": {"axes_dims_rope": [8, 12, 12]},
                              "text_encoder": {"num_attention_heads": 4},
                              "vae": {"scaling_factor": 0.5, "shift_factor": null,
                                      "norm_num_groups": 4},
                              "scheduler": {"max_shift": 1.2, "max_image_seq_len": 8192},
                              "files": {"vae": "vae/ae.safetensors"}, "author": 1})");
  ASSERT_TRUE(side.ok()) << side.error().what;
  const ModelNumbers& numbers = side.value().numbers;
  EXPECT_EQ(numbers.axes, (RopeAxes{8, 12, 12}));
  EXPECT_EQ(numbers.clip_heads, 4);
  EXPECT_EQ(numbers.autoencoder.scale, 0.5);
  EXPECT_EQ(numbers.autoencoder.shift, 0.1159);
  EXPECT_EQ(numbers.autoencoder.norm_groups, 4);
  EXPECT_EQ(numbers.shift.max, 1.2);
  EXPECT_EQ(numbers.shift.max_tokens, 8192);
  EXPECT_EQ(side.value().files.at("vae"), "vae/ae.safetensors");
}

TEST(ModelNumbers, AnEmptySideFileLeavesFluxsNumbers) {
  const auto side = parse("{}");
  ASSERT_TRUE(side.ok());
  EXPECT_EQ(side.value().numbers.axes, kFluxRopeAxes);
  EXPECT_EQ(side.value().numbers.clip_heads, 12);
  EXPECT_EQ(side.value().numbers.autoencoder.norm_groups, 32);
}

TEST(ModelNumbers, NumbersThatCannotBeAreErrors) {
  EXPECT_EQ(complaint(R"({"transformer": {"axes_dims_rope": [8, 12]}})"),
            "transformer's axes_dims_rope is not three even numbers");
  EXPECT_EQ(complaint(R"({"transformer": {"axes_dims_rope": [8, 12, -12]}})"),
            "transformer's axes_dims_rope is not three even numbers");
  EXPECT_EQ(complaint(R"({"text_encoder": {"num_attention_heads": 1e300}})"),
            "text_encoder's num_attention_heads is not a whole number from 1 to 1048576");
  EXPECT_EQ(complaint(R"({"vae": {"scaling_factor": "x"}})"),
            "vae's scaling_factor is not a number");
  EXPECT_EQ(complaint(R"({"vae": {"scaling_factor": 0}})"),
            "vae's scaling_factor is not a number other than 0");
  for (const char* groups : {"0", "-4", "1.5", "\"4\""}) {
    EXPECT_EQ(complaint("{\"vae\": {\"norm_num_groups\": " + std::string(groups) + "}}"),
              "vae's norm_num_groups is not a whole number from 1 to 1048576");
  }
  EXPECT_EQ(complaint(R"({"scheduler": {"max_image_seq_len": 3}})"),
            "scheduler's max_image_seq_len is not above its base_image_seq_len");
  EXPECT_EQ(complaint(R"({"vae": 5})"), "vae is not a JSON object");
  EXPECT_EQ(complaint(R"({"files": {"vae": 5}})"), "files names no path for vae");
  EXPECT_EQ(complaint("[]"), "is not a JSON object");
  EXPECT_EQ(complaint("{\"a\":" + std::string(100'000, '[')), "is nested deeper than 32 levels");
}

}  // namespace
}  // namespace pirouette::flux
