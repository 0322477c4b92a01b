#include "worker/flux/storage/model_source.h"

#include "tests/unit/storage/stored_files.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;

const fs::path kTiny = PIROUETTE_SOURCE_DIR "/tests/data/tiny-kontext";
const fs::path kComfyUi = kTiny / "comfyui";

// A models/ folder of links into the data.
class Models : public Folder {
 public:
  void link(const fs::path& from, const std::string& to) const {
    fs::create_directories((path() / to).parent_path());
    fs::create_symlink(from, path() / to);
  }
  void link_all() const {
    link(kComfyUi / "diffusion_models/flux1-dev-kontext.safetensors", "unet/deep/er/kontext.sft");
    link(kComfyUi / "text_encoders/clip_l.safetensors", "clip/a");
    link(kComfyUi / "text_encoders/t5xxl_fp8_e4m3fn.safetensors", "clip/b");
    link(kComfyUi / "vae/ae.safetensors", "vae/c");
    link(kComfyUi / "pirouette.json", "pirouette.json");
    link(kTiny / "tokenizer", "tokenizers/tokenizer");
    link(kTiny / "tokenizer_2", "tokenizers/tokenizer_2");
  }
};

ModelSource found(const fs::path& model, const std::optional<fs::path>& tokenizers = {}) {
  auto source = find_model(model, tokenizers);
  if (source.ok()) return std::move(source).value();
  ADD_FAILURE() << source.error().what;
  return {};
}

std::string complaint(const fs::path& model, const std::optional<fs::path>& tokenizers = {}) {
  const auto source = find_model(model, tokenizers);
  return source.ok() ? "nothing" : source.error().what;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ModelSource, ADiffusersFolderHasItAll) {
  const ModelSource source = found(kTiny);
  EXPECT_EQ(source.layout, Layout::diffusers);
  EXPECT_EQ(source.transformer.naming, Naming::diffusers);
  EXPECT_EQ(source.numbers.axes, (RopeAxes{8, 12, 12}));
  EXPECT_EQ(source.numbers.clip_heads, 4);
  EXPECT_EQ(source.tokenizers, kTiny);
}

TEST(ModelSource, AModelsFolderIsLookedThroughByContent) {
  const Models models;
  models.link_all();
  models.write("unet/notes.txt", std::string_view("not a model"));
  models.write("vae/sdxl.ckpt", std::string_view("PK\3\4 a pickle"));
  const ModelSource source = found(models.path());
  EXPECT_EQ(source.layout, Layout::comfyui);
  EXPECT_EQ(source.transformer.file.path, models / "unet/deep/er/kontext.sft");
  EXPECT_EQ(source.t5.file.path, models / "clip/b");
  EXPECT_EQ(source.numbers.axes, (RopeAxes{8, 12, 12}));
  EXPECT_EQ(source.tokenizers, models / "tokenizers");
}

TEST(ModelSource, OneModelInSeveralPrecisionsIsTakenAtItsWidest) {
  const ModelSource source = found(kComfyUi, kTiny);
  EXPECT_EQ(source.transformer.file.path.filename(), "flux1-dev-kontext.safetensors");
  EXPECT_EQ(source.t5.file.path.filename(), "t5xxl_bf16.safetensors");
}

TEST(ModelSource, AFileInAModelsFolderFindsTheOthers) {
  const fs::path file = kComfyUi / "diffusion_models/flux1-dev-kontext_fp8_scaled.safetensors";
  const ModelSource source = found(file, kTiny);
  EXPECT_EQ(source.layout, Layout::comfyui);
  EXPECT_EQ(source.transformer.file.path, file);
  EXPECT_EQ(source.clip.file.path.filename(), "clip_l.safetensors");
}

TEST(ModelSource, AFileBesideADiffusersFolderTakesItsParts) {
  const Models models;
  for (const char* name : {"text_encoder", "text_encoder_2", "vae", "tokenizer", "tokenizer_2",
                           "transformer", "scheduler"})
    models.link(kTiny / name, name);
  models.link(kComfyUi / "diffusion_models/flux1-dev-kontext.safetensors", "single.safetensors");
  const ModelSource source = found(models / "single.safetensors");
  EXPECT_EQ(source.layout, Layout::single_file);
  EXPECT_EQ(source.transformer.naming, Naming::black_forest_labs);
  EXPECT_EQ(source.autoencoder.naming, Naming::diffusers);
  EXPECT_EQ(source.numbers.clip_heads, 4);
}

TEST(ModelSource, AFolderOfLooseFilesIsAModel) {
  const Models models;
  models.link(kComfyUi / "diffusion_models/flux1-dev-kontext.safetensors", "1");
  models.link(kComfyUi / "text_encoders/clip_l.safetensors", "2");
  models.link(kComfyUi / "text_encoders/t5xxl_bf16.safetensors", "3");
  models.link(kComfyUi / "vae/ae.safetensors", "4");
  EXPECT_EQ(found(models.path(), kTiny).layout, Layout::single_file);
  EXPECT_EQ(found(models / "1", kTiny).t5.file.path, models / "3");
}

TEST(ModelSource, DifferentModelsAreNotChosenBetween) {
  const Models models;
  models.link_all();
  std::vector<std::uint8_t> other;
  const fs::path original = kComfyUi / "diffusion_models/flux1-dev-kontext.safetensors";
  const auto read = read_file(original, 1u << 24);
  ASSERT_TRUE(read.ok());
  const auto header = parse_safetensors(read.value());
  ASSERT_TRUE(header.ok());
  for (const TensorEntry& entry : header.value().entries) {
    if (entry.name != "single_blocks.0.linear1.weight") continue;
    other = read.value();
    // One number of a weight, as a merged LoRA would change; biases stay.
    other[entry.begin + (entry.end - entry.begin) / 2] ^= 1;
  }
  models.write("diffusion_models/merged.safetensors", other);
  const std::string said = complaint(models.path());
  EXPECT_TRUE(says(said, "there are several models of a FLUX.1 transformer: ")) << said;
  EXPECT_TRUE(says(said, "merged.safetensors") && says(said, "kontext.sft")) << said;
  EXPECT_TRUE(says(said, "give the file of the one to use instead of the folder")) << said;
  EXPECT_EQ(complaint(models / "diffusion_models/merged.safetensors"), "nothing");
  fs::remove(models / "pirouette.json");
  models.write(
      "pirouette.json",
      std::string_view(R"({"files": {"transformer": "diffusion_models/merged.safetensors"}})"));
  EXPECT_EQ(found(models.path()).transformer.file.path,
            models / "diffusion_models/merged.safetensors");
}

TEST(ModelSource, AMissingPartIsNamedWithWhatWasPassedOver) {
  const Models models;
  models.link_all();
  fs::remove(models / "vae/c");
  models.write("vae/old.ckpt", std::string_view("PK\3\4 a pickle"));
  const std::string said = complaint(models.path());
  EXPECT_TRUE(says(said, "there is no FLUX.1 autoencoder in " + (models / "vae").string())) << said;
  EXPECT_TRUE(says(said, "passed over: ")) << said;
  EXPECT_TRUE(says(said, "old.ckpt is a PyTorch pickle")) << said;
}

TEST(ModelSource, WithoutTokenizersItSaysWhereToGetThem) {
  const Models models;
  models.link_all();
  fs::remove_all(models / "tokenizers");
  EXPECT_EQ(complaint(models.path()),
            (models / "tokenizers").string() +
                " has no tokenizer/ and tokenizer_2/: take them from FLUX.1-Kontext-dev's "
                "repository, and give the folder they are in with --tokenizers, or put them there");
  EXPECT_EQ(complaint(models.path(), kTiny), "nothing");
}

TEST(ModelSource, WhatIsNoModelIsSaid) {
  const Folder folder;
  EXPECT_TRUE(says(complaint(folder.path()),
                   " is no model: it is neither a diffusers folder (model_index.json, transformer/ "
                   "…) nor ComfyUI's models/ (diffusion_models/, text_encoders/ …), and there is "
                   "no FLUX.1 transformer in "));
  EXPECT_TRUE(says(complaint(folder / "none"), ": there is no such file or folder"));
  EXPECT_TRUE(says(complaint(kComfyUi / "vae/ae.safetensors"),
                   "holds the FLUX.1 autoencoder where the FLUX.1 transformer should be"));
}

TEST(ModelSource, AQuantisedDiffusersFolderIsToldByItsConfig) {
  const Models models;
  for (const char* name : {"text_encoder", "text_encoder_2", "vae", "tokenizer", "tokenizer_2"})
    models.link(kTiny / name, name);
  for (const auto& entry : fs::directory_iterator(kTiny / "transformer"))
    if (entry.path().filename() != "config.json")
      models.link(entry.path(), "transformer/" + entry.path().filename().string());
  models.write("transformer/config.json",
               std::string_view(R"({"quantization_config": {"quant_method": "modelopt"}})"));
  EXPECT_EQ(complaint(models.path()),
            (models / "transformer/config.json").string() +
                " says that the weights are quantised with \"modelopt\", which is not read; use "
                "the bf16, fp8 or GGUF file of this model");
}

TEST(ModelSource, ABrokenSideFileIsAnError) {
  const Models models;
  models.link_all();
  fs::remove(models / "pirouette.json");
  models.write("pirouette.json", std::string_view("{"));
  EXPECT_EQ(complaint(models.path()),
            (models / "pirouette.json").string() + ": is not a JSON object");
}

}  // namespace
}  // namespace pirouette::flux
