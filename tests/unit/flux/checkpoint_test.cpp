#include "worker/flux/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/files.h"
#include "worker/flux/storage/safetensors.h"
#include "worker/flux/storage/scaled_weights.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;

// A folder of this test's own, gone when the test ends.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("pirouette-" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string complaint(const Result<Checkpoint>& loaded) {
  return loaded.ok() ? "nothing" : loaded.error().what;
}

Tensor numbers(std::initializer_list<float> values) {
  return at::tensor(at::ArrayRef<float>(values.begin(), values.size()));
}

void save(const fs::path& path, const Tensors& tensors) {
  ASSERT_TRUE(save_safetensors(path, tensors).ok());
}

void save_index(const fs::path& path, const std::string& map) {
  ASSERT_TRUE(write_file_durably(path, std::string("{\"weight_map\": ") + map + "}").ok());
}

TEST(Checkpoint, KeepsDtypesShapesAndMetadata) {
  const Folder folder;
  const Tensor half = at::arange(6, at::kFloat).reshape({2, 3}).to(at::kHalf);
  const Tensor brain = at::arange(4, at::kFloat).to(at::kBFloat16);
  const auto saved = save_safetensors(folder / "m.safetensors", {{"half", half}, {"brain", brain}},
                                      {{"title", "two"}});
  ASSERT_TRUE(saved.ok()) << saved.error().what;
  const auto loaded = load_checkpoint(folder / "m.safetensors");
  ASSERT_TRUE(loaded.ok()) << loaded.error().what;
  EXPECT_TRUE(at::equal(loaded.value().tensors.at("half"), half));
  EXPECT_TRUE(at::equal(loaded.value().tensors.at("brain"), brain));
  EXPECT_EQ(loaded.value().metadata.at("title"), "two");
}

TEST(Checkpoint, TensorsOutliveTheFileTheyCameFrom) {
  Tensor tensor;
  {
    const Folder folder;
    save(folder / "m.safetensors", {{"a", at::full({3}, 7.0)}});
    auto loaded = load_checkpoint(folder.path());
    ASSERT_TRUE(loaded.ok()) << loaded.error().what;
    tensor = std::move(loaded).value().tensors.at("a");
  }
  EXPECT_EQ(tensor.sum().item<double>(), 21.0);
}

TEST(Checkpoint, ReadsTensorsThatDoNotLieAligned) {
  const Folder folder;
  const std::string header = R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                             R"("y":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  std::string file(8, '\0');
  file[0] = static_cast<char>(header.size());
  file += header + '\1' + std::string("\0\0\x80\x3f", 4);
  ASSERT_TRUE(write_file_durably(folder / "m.safetensors", file).ok());
  const auto loaded = load_checkpoint(folder / "m.safetensors");
  ASSERT_TRUE(loaded.ok()) << loaded.error().what;
  EXPECT_EQ(loaded.value().tensors.at("y").item<float>(), 1.0f);
}

TEST(Checkpoint, JoinsShardsByTheirIndex) {
  const Folder folder;
  save(folder / "1.safetensors", {{"a", at::ones({1})}});
  save(folder / "2.safetensors", {{"b", at::ones({2})}});
  save_index(folder / "m.safetensors.index.json",
             R"({"a": "1.safetensors", "b": "2.safetensors"})");
  const auto loaded = load_checkpoint(folder.path());
  ASSERT_TRUE(loaded.ok()) << loaded.error().what;
  EXPECT_EQ(loaded.value().tensors.size(), 2u);
}

TEST(Checkpoint, ShardsAndIndexMustAgree) {
  const Folder folder;
  save(folder / "1.safetensors", {{"a", at::ones({1})}, {"stray", at::ones({1})}});
  save_index(folder / "m.safetensors.index.json", R"({"a": "1.safetensors"})");
  EXPECT_NE(complaint(load_checkpoint(folder.path())).find("tensor \"stray\" is in 1.safetensors"),
            std::string::npos);
  save_index(folder / "m.safetensors.index.json",
             R"({"a": "1.safetensors", "stray": "1.safetensors", "b": "1.safetensors"})");
  EXPECT_NE(complaint(load_checkpoint(folder.path())).find("tensor \"b\" is not in 1.safetensors"),
            std::string::npos);
}

TEST(Checkpoint, AnIndexCannotLeadOutOfItsFolder) {
  const Folder folder;
  save_index(folder / "m.safetensors.index.json", R"({"a": "../1.safetensors"})");
  EXPECT_NE(complaint(load_checkpoint(folder.path())).find("a file of the same folder"),
            std::string::npos);
}

TEST(Checkpoint, AnEmptyFileOrFolderIsAnErrorThatNamesIt) {
  const Folder folder;
  EXPECT_NE(complaint(load_checkpoint(folder.path())).find("has no .safetensors file"),
            std::string::npos);
  ASSERT_TRUE(write_file_durably(folder / "m.safetensors", std::string_view()).ok());
  EXPECT_EQ(complaint(load_checkpoint(folder / "m.safetensors")),
            (folder / "m.safetensors").string() + ": the file is empty");
}

TEST(Checkpoint, Float8IsDecodedAndScaled) {
  const Folder folder;
  const std::uint8_t bytes[] = {0x38, 0xB8, 0x40, 0x00};  // e4m3: 1, -1, 2, 0
  const float scales[] = {0.5f, 3.0f};
  const auto raw = [](const float* first, std::size_t count) {
    return std::span(reinterpret_cast<const std::uint8_t*>(first), count * sizeof(float));
  };
  const auto file = format_safetensors({{"a.weight", Dtype::f8_e4m3, {2, 2}, bytes},
                                        {"b.weight", Dtype::f8_e4m3, {2, 2}, bytes},
                                        {"b.weight_scale", Dtype::f32, {2, 1}, raw(scales, 2)},
                                        {"c.weight", Dtype::f8_e5m2, {4}, bytes},
                                        {"c.scale_weight", Dtype::f32, {1}, raw(scales + 1, 1)}},
                                       {});
  ASSERT_TRUE(write_file_durably(folder / "m.safetensors", file).ok());
  const auto loaded = load_checkpoint(folder / "m.safetensors");
  ASSERT_TRUE(loaded.ok()) << loaded.error().what;
  const Tensors& tensors = loaded.value().tensors;
  EXPECT_EQ(tensors.size(), 3u);
  EXPECT_TRUE(at::equal(tensors.at("a.weight"), numbers({1, -1, 2, 0}).reshape({2, 2})));
  EXPECT_TRUE(at::equal(tensors.at("b.weight"), numbers({0.5, -0.5, 6, 0}).reshape({2, 2})));
  EXPECT_TRUE(at::equal(tensors.at("c.weight"), numbers({1.5, -1.5, 6, 0})));
}

// What was rounded once to bfloat16 is what float32 would be rounded to.
TEST(Checkpoint, DecodingRoundsOnce) {
  const Folder folder;
  std::vector<std::uint8_t> bytes(256);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  const float scale = 0.0123f;
  const auto file =
      format_safetensors({{"a.weight", Dtype::f8_e4m3, {256}, bytes},
                          {"a.weight_scale",
                           Dtype::f32,
                           {},
                           {reinterpret_cast<const std::uint8_t*>(&scale), sizeof scale}}},
                         {});
  ASSERT_TRUE(write_file_durably(folder / "m.safetensors", file).ok());
  auto opened = open_tensor_file(folder / "m.safetensors");
  ASSERT_TRUE(opened.ok());
  const auto joined = join_scales(std::move(opened).value());
  ASSERT_TRUE(joined.ok()) << joined.error().what;
  const Tensor wide = read_tensors(joined.value().tensors, at::kFloat).at("a.weight");
  const Tensor brain = read_tensors(joined.value().tensors, at::kBFloat16).at("a.weight");
  EXPECT_TRUE(at::allclose(brain.to(at::kFloat), wide.to(at::kBFloat16).to(at::kFloat), 0, 0,
                           /*equal_nan=*/true));
}

TEST(Checkpoint, AnOutlineHasShapesAndDtypesAndNoNumbers) {
  const Folder folder;
  save(folder / "m.safetensors", {{"a", at::ones({2, 3}, at::kHalf)}});
  const auto opened = open_tensor_file(folder / "m.safetensors");
  ASSERT_TRUE(opened.ok());
  const Tensor outline = outline_tensors(opened.value().tensors, at::kFloat).at("a");
  EXPECT_TRUE(outline.is_meta());
  EXPECT_EQ(outline.scalar_type(), at::kHalf);
  EXPECT_EQ(outline.sizes(), (at::IntArrayRef{2, 3}));
}

TEST(Weights, MissingWronglyShapedAndLeftOverTensorsAreNamed) {
  Weights weights({{"a", at::ones({2, 3})}, {"b", at::ones({1})}}, "model");
  EXPECT_EQ(weights.take("c", {1}).error().what, "model: tensor \"c\" is missing");
  EXPECT_EQ(weights.take("a", {2, 4}).error().what,
            "model: tensor \"a\" has the shape [2, 3] instead of [2, 4]");
  EXPECT_TRUE(weights.take("a", {-1, 3}).ok());
  EXPECT_EQ(weights.finish().error().what, "model: 1 tensors have no place in this model: \"b\"");
  EXPECT_TRUE(weights.take("b", {1}).ok());
  EXPECT_TRUE(weights.finish().ok());
}

TEST(Weights, AnAdapterGoesWithItsLinearAndIsMissedIfNobodyTakesIt) {
  Weights weights({{"a.weight", at::eye(2)}, {"a.bias", at::zeros({2})}}, "model");
  weights.adapt("a", {at::ones({1, 2}), at::ones({1, 1}), std::make_shared<double>(0.5), 1});
  EXPECT_TRUE(weights.is_adapted());
  EXPECT_NE(weights.finish().error().what.find("\"a\""), std::string::npos);
  const Linear linear = weights.take_linear("a", 2, 2).value();
  EXPECT_TRUE(weights.finish().ok());
  // [3, 4] through the identity; the second row gets half of 3 + 4 more.
  EXPECT_TRUE(at::allclose(linear(at::tensor({3.0f, 4.0f}).unsqueeze(0)),
                           at::tensor({3.0f, 7.5f}).unsqueeze(0)));
}

}  // namespace
}  // namespace pirouette::flux
