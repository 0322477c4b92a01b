#include "worker/render_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>

#include "tests/golden/golden.h"
#include "tests/golden/pictures.h"

namespace pirouette::flux::golden {
namespace {

namespace fs = std::filesystem;

// Runs `render` with these options and the tiny model.
Result<void> render(std::vector<std::string> arguments) {
  CLI::App app;
  RenderCommand command(app);
  arguments.insert(arguments.begin(), {"render", "--model", folder().string()});
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  app.parse(arguments);
  return command.run();
}

// The options of one of the reference's runs.
std::vector<std::string> arguments_of(const nlohmann::json& run) {
  const auto number = [&](const char* name) { return run.at(name).dump(); };
  std::vector<std::string> arguments = {"--reference",
                                        (folder() / run.at("reference")).string(),
                                        "--prompt",
                                        run.at("prompt"),
                                        "--seed",
                                        number("seed"),
                                        "--steps",
                                        number("steps"),
                                        "--guidance",
                                        number("guidance"),
                                        "--width",
                                        number("w"),
                                        "--height",
                                        number("h"),
                                        "--reference-size",
                                        "keep",
                                        "--max-sequence-length",
                                        number("max_sequence_length")};
  if (run.at("lora_file").is_string())
    arguments.insert(arguments.end(),
                     {"--lora", (folder() / run.at("lora_file")).string() + ":1.0"});
  if (run.contains("negative"))
    arguments.insert(arguments.end(),
                     {"--negative", run.at("negative"), "--true-cfg", number("true_cfg")});
  return arguments;
}

class RenderCommandTest : public testing::Test {
 protected:
  RenderCommandTest() { fs::create_directories(out_); }
  ~RenderCommandTest() override { fs::remove_all(out_); }
  fs::path out_ = fs::temp_directory_path() / ("pirouette-render-" + std::to_string(::getpid()));
};

TEST_F(RenderCommandTest, WritesTheReferencesPicturesAndLatents) {
  for (const auto& run : cases().at("pipeline")) {
    const std::string name = run.at("name");
    const fs::path png = out_ / (name + ".png"), latents = out_ / (name + ".safetensors");
    auto arguments = arguments_of(run);
    arguments.insert(arguments.end(), {"--out", png.string(), "--out-latents", latents.string()});
    get(render(arguments));
    EXPECT_LE(largest_difference(load_png(png), load_png(folder() / ("expected_" + name + ".png"))),
              1);
    const Tensor ours = get(load_checkpoint(latents)).tensors.at("latents");
    EXPECT_LE(distance(ours, expected("pipeline." + name + ".latents")), kRunTolerance) << name;
  }
}

TEST_F(RenderCommandTest, Float8WeightsMakeAnotherPictureThatSaysSo) {
  const auto& run = cases().at("pipeline").at(0);
  const fs::path png = out_ / "float8.png", latents = out_ / "float8.safetensors";
  auto arguments = arguments_of(run);
  arguments.insert(arguments.end(), {"--out", png.string(), "--out-latents", latents.string(),
                                     "--weights", "float8"});
  get(render(arguments));
  const Tensor ours = get(load_checkpoint(latents)).tensors.at("latents");
  const double far =
      distance(ours, expected("pipeline." + run.at("name").get<std::string>() + ".latents"));
  EXPECT_GT(far, kRunTolerance);
  EXPECT_LE(far, 0.3);
  std::ifstream file(png, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(bytes.find("Weights: float8_e4m3fn"), std::string::npos);
}

TEST_F(RenderCommandTest, SaysWhatIsWrong) {
  const auto complaint = [&](const std::vector<std::string>& changes) {
    auto arguments = arguments_of(cases().at("pipeline").at(0));
    arguments.insert(arguments.end(), {"--out", (out_ / "x.png").string()});
    for (std::size_t i = 0; i < changes.size(); i += 2) {
      const auto found = std::find(arguments.begin(), arguments.end(), changes[i]);
      if (found == arguments.end())
        arguments.insert(arguments.end(), {changes[i], changes[i + 1]});
      else
        *std::next(found) = changes[i + 1];
    }
    const auto outcome = render(arguments);
    return outcome.ok() ? "nothing" : outcome.error().what;
  };
  EXPECT_EQ(complaint({"--width", "100"}), "--width 100: give a multiple of 16 from 64 to 4096");
  EXPECT_EQ(complaint({"--out", "/nowhere/x.png"}),
            "--out /nowhere/x.png: cannot write in the folder /nowhere");
  EXPECT_EQ(complaint({"--steps", "0"}), "0 steps are not from 1 to 200");
  EXPECT_EQ(complaint({"--true-cfg", "2"}), "--true-cfg above 1 needs a --negative prompt");
  EXPECT_EQ(complaint({"--max-sequence-length", "513"}),
            "a sequence length of 513 is not from 1 to 512");
  EXPECT_NE(complaint({"--reference", (out_ / "none.png").string()}).find("none.png"),
            std::string::npos);
  EXPECT_NE(complaint({"--lora", (out_ / "none.safetensors").string() + ":0.5"})
                .find("none.safetensors:0.5: there is no such file"),
            std::string::npos);
}

}  // namespace
}  // namespace pirouette::flux::golden
