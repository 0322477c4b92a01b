#include "worker/flux/storage/scaled_weights.h"

#include <limits>

#include "tests/unit/storage/stored_files.h"

namespace pirouette::flux {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes text_bytes(std::string_view text) { return {text.begin(), text.end()}; }

Result<TensorFile> joined(const SafetensorsFile& file,
                          const std::map<std::string, std::string>& metadata = {}) {
  const Folder folder;
  folder.write("m.safetensors", file.bytes(metadata));
  return join_scales(TRY(open_tensor_file(folder / "m.safetensors")));
}

std::string complaint(const Result<TensorFile>& file) {
  return file.ok() ? "nothing" : file.error().what;
}

TEST(ScaledWeights, TheOldSpellingIsJoined) {
  SafetensorsFile file;
  file.add<std::uint8_t>("scaled_fp8", Dtype::f8_e4m3, {0}, {});
  file.add<std::uint8_t>("x.weight", Dtype::f8_e4m3, {2, 2}, {1, 2, 3, 4});
  file.add<float>("x.scale_weight", Dtype::f32, {1}, {0.25f});
  file.add<float>("x.scale_input", Dtype::f32, {1}, {3.0f});
  file.add<float>("x.bias", Dtype::f32, {1}, {1.0f});
  const auto result = joined(file);
  ASSERT_TRUE(result.ok()) << result.error().what;
  const auto& tensors = result.value().tensors;
  EXPECT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors.at("x.weight").scales, std::vector<float>{0.25f});
  EXPECT_TRUE(tensors.at("x.bias").scales.empty());
}

TEST(ScaledWeights, TheNewSpellingIsJoined) {
  SafetensorsFile file;
  file.add<std::uint8_t>("x.weight", Dtype::u8, {2, 1}, {1, 2});
  file.add<float>("x.weight_scale", Dtype::f32, {2, 1}, {0.5f, 2.0f});
  file.add<float>("x.input_scale", Dtype::f32, {}, {1.0f});
  file.add("x.comfy_quant", Dtype::u8, {27}, text_bytes(R"({"format": "float8_e5m2"}  )"));
  file.add<std::uint8_t>("y.weight", Dtype::f8_e4m3, {1, 1}, {1});
  file.add<std::uint16_t>("y.weight_scale", Dtype::bf16, {1}, {0x4000});
  const auto result = joined(
      file, {{"_quantization_metadata",
              R"({"format_version": "1.0", "layers": {"y": {"format": "float8_e4m3fn"}}})"}});
  ASSERT_TRUE(result.ok()) << result.error().what;
  const auto& tensors = result.value().tensors;
  EXPECT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors.at("x.weight").dtype, Dtype::f8_e5m2);  // described, and stored as bytes
  EXPECT_EQ(tensors.at("x.weight").scales, (std::vector<float>{0.5f, 2.0f}));
  EXPECT_EQ(tensors.at("y.weight").scales, std::vector<float>{2.0f});
}

TEST(ScaledWeights, OtherQuantisationsAreRefusedByName) {
  SafetensorsFile file;
  file.add("x.comfy_quant", Dtype::u8, {19}, text_bytes(R"({"format": "nvfp4"})"));
  EXPECT_NE(complaint(joined(file))
                .find("the weights are quantised as \"nvfp4\", which is not "
                      "read; use the float8, bf16 or GGUF file"),
            std::string::npos);
  EXPECT_NE(complaint(joined({}, {{"_quantization_metadata",
                                   R"({"layers": {"x": {"format": "int8_tensorwise"}}})"}}))
                .find("\"int8_tensorwise\""),
            std::string::npos);
  EXPECT_NE(complaint(joined({}, {{"_quantization_metadata", "{"}}))
                .find("the header's _quantization_metadata is not a JSON object"),
            std::string::npos);
}

TEST(ScaledWeights, ScalesThatDoNotFitAreErrors) {
  const auto with_scale = [](std::vector<float> scales) {
    SafetensorsFile file;
    file.add<std::uint8_t>("x.weight", Dtype::f8_e4m3, {3, 1}, {1, 2, 3});
    file.add<float>("x.weight_scale", Dtype::f32, {static_cast<std::int64_t>(scales.size())},
                    scales);
    return complaint(joined(file));
  };
  EXPECT_NE(with_scale({1, 2}).find("tensor \"x.weight_scale\", a scale of \"x.weight\", has the "
                                    "shape [2] where there is one for the weight or one a row of "
                                    "its [3, 1]"),
            std::string::npos);
  EXPECT_NE(with_scale({std::numeric_limits<float>::quiet_NaN()}).find("is not finite"), std::string::npos);
  EXPECT_EQ(with_scale({1, 2, 3}), "nothing");
}

TEST(ScaledWeights, AScaleWithoutItsWeightIsLeftOver) {
  SafetensorsFile file;
  file.add<float>("x.scale_weight", Dtype::f32, {1}, {1.0f});
  const auto result = joined(file);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result.value().tensors.contains("x.scale_weight"));
}

}  // namespace
}  // namespace pirouette::flux
