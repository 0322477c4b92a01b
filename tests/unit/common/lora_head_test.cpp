// What is refused at the door as no LoRA file, and with which words.

#include "common/job/lora_head.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/rng.h"

namespace pirouette {
namespace {

std::string file_of(const std::string& header, std::size_t data_bytes) {
  std::string file;
  for (std::size_t i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return file + header + std::string(data_bytes, 'x');
}

std::string entry(const std::string& name, int begin, int end) {
  return "\"" + name + R"(": {"dtype": "U8", "shape": [1], "data_offsets": [)" +
         std::to_string(begin) + ", " + std::to_string(end) + "]}";
}

const std::string kLora =
    file_of("{" + entry("x.lora_A.weight", 0, 3) + ", " + entry("x.lora_B.weight", 3, 5) +
                R"(, "__metadata__": {"format": "pt"}})",
            5);

std::string complaint(const std::string& file, std::size_t piece = 7) {
  LoraHead head;
  for (std::size_t at = 0; at < file.size(); at += piece) {
    const std::string part = file.substr(at, piece);
    head.add({reinterpret_cast<const std::uint8_t*>(part.data()), part.size()});
  }
  const auto checked = head.check();
  if (checked.ok()) return "";
  EXPECT_EQ(checked.error().code, Errc::invalid);
  return checked.error().what;
}

bool says(const std::string& file, const std::string& words) {
  const std::string what = complaint(file);
  return what.starts_with("this is no LoRA file: ") && what.find(words) != what.npos;
}

TEST(LoraHead, TakesALoraInPiecesOfAnySize) {
  for (const std::size_t piece : {1, 2, 8, 9, 64, 100'000}) EXPECT_EQ(complaint(kLora, piece), "");
}

TEST(LoraHead, TakesEveryLoraOfTheTestData) {
  const std::filesystem::path folder =
      std::filesystem::path(PIROUETTE_SOURCE_DIR) / "tests/data/tiny-kontext/comfyui/loras";
  int taken = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (file.path().extension() != ".safetensors") continue;
    std::ifstream in(file.path(), std::ios::binary);
    EXPECT_EQ(complaint({std::istreambuf_iterator<char>(in), {}}, 4096), "") << file.path();
    ++taken;
  }
  EXPECT_GE(taken, 8);
}

TEST(LoraHead, SaysWhatIsWrong) {
  EXPECT_TRUE(says("", "it has 0 bytes; it must be a safetensors file"));
  EXPECT_TRUE(says("Hello, I am a text", "does not begin with a safetensors header"));
  EXPECT_TRUE(says(file_of("[1, 2, 3]", 0), "does not begin with a safetensors header"));
  EXPECT_TRUE(says(file_of("{\"x\": ", 0), "does not begin with a safetensors header ("));
  EXPECT_TRUE(says(file_of("{\"x\": 7}", 0), "something that is no tensor"));
  EXPECT_TRUE(says(file_of("{" + entry("x.lora_A", 3, 1) + "}", 3), "no tensor"));
  EXPECT_TRUE(says(kLora + "more", "4 bytes after its last tensor"));
  EXPECT_TRUE(says(file_of("{" + entry("img_in.weight", 0, 3) + "}", 3), "with --model"));
  EXPECT_TRUE(says(file_of("{}", 0), "with --model"));
  EXPECT_TRUE(says(file_of(std::string(1000, '['), 0), "does not begin with a safetensors header"));
}

TEST(LoraHead, AFileThatIsCutOffAnywhereIsRefused) {
  for (std::size_t length = 0; length < kLora.size(); ++length) {
    EXPECT_NE(complaint(kLora.substr(0, length)), "") << length;
  }
}

TEST(LoraHead, AHeaderThatClaimsTooMuchIsNotKept) {
  std::string file(8, '\xFF');
  EXPECT_TRUE(says(file + std::string(1000, 'x'), "does not begin with a safetensors header"));
}

// Whatever a byte becomes, it is taken or refused with a sentence.
TEST(LoraHead, DamageNeverEndsTheProcess) {
  Rng random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string file = kLora;
    file[random.below(file.size())] = static_cast<char>(random.below(256));
    const std::string what = complaint(file);
    EXPECT_TRUE(what.empty() || what.starts_with("this is no LoRA file: ")) << what;
  }
}

}  // namespace
}  // namespace pirouette
