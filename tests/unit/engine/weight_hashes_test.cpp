#include "worker/engine/picture/weight_hashes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "common/files.h"
#include "common/hash.h"

namespace pirouette::engine {
namespace {

namespace fs = std::filesystem;

class WeightHashesTest : public ::testing::Test {
 protected:
  WeightHashesTest()
      : folder_(fs::temp_directory_path() /
                ("pirouette-weights-" + std::to_string(::getpid()) + "-" +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::create_directories(folder_);
  }
  ~WeightHashesTest() override { fs::remove_all(folder_); }

  fs::path write(const fs::path& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  // With the time of change it had, as if nobody had touched it.
  void write_unseen(const fs::path& file, const std::string& text) {
    const auto before = fs::last_write_time(file);
    std::ofstream(file, std::ios::binary) << text;
    fs::last_write_time(file, before);
  }

  fs::path folder_;
};

std::string safetensors(const std::string& header, const std::string& tensors) {
  std::string length(8, '\0');
  length[0] = static_cast<char>(header.size());
  return length + header + tensors;
}

TEST_F(WeightHashesTest, ALoraHasTheFilesHashAndItsTensors) {
  WeightHashes hashes("");
  const std::string bytes = safetensors("{\"a\": 1}", "tensors");
  const LoraHash hash = hashes.lora(write("a.safetensors", bytes)).value();
  EXPECT_EQ(hash.sha256, to_hex(sha256(bytes)));
  EXPECT_EQ(hash.tensors_sha256, to_hex(sha256("tensors")));
  write("peft/adapter_model.safetensors", bytes);
  EXPECT_EQ(hashes.lora(folder_ / "peft").value().sha256, hash.sha256);
  EXPECT_EQ(hashes.lora(write("short", "abc")).value().tensors_sha256, "");
  EXPECT_EQ(
      hashes.lora(write("lying", safetensors("{}", "").replace(3, 1, "x"))).value().tensors_sha256,
      "");
  EXPECT_EQ(hashes.lora(folder_ / "nowhere").error().code, Errc::not_found);
}

TEST_F(WeightHashesTest, TensorsThatBeginInALaterChunkAreHashedToo) {
  WeightHashes hashes("");
  std::string length(8, '\0');
  length[2] = '\x11';  // 0x110000: a header of more than a mebibyte
  const std::string tensors(100, 't');
  const LoraHash hash =
      hashes.lora(write("a", length + std::string(0x110000, ' ') + tensors)).value();
  EXPECT_EQ(hash.tensors_sha256, to_hex(sha256(tensors)));
}

TEST_F(WeightHashesTest, AFoldersHashIsWhatSha256sumPrintsHashed) {
  write("m/vae/diffusion_pytorch_model.safetensors", "v");
  write("m/transformer/b-00002.safetensors", "b");
  write("m/transformer/a-00001.safetensors", "a");
  write("m/text_encoder_2/model.safetensors", "t");
  write("m/model_index.json", "{}");
  WeightHashes hashes("");
  const std::string before = hashes.model(folder_ / "m").value();
  EXPECT_EQ(before,
            to_hex(sha256(to_hex(sha256("t")) + "  text_encoder_2/model.safetensors\n" +
                          to_hex(sha256("a")) + "  transformer/a-00001.safetensors\n" +
                          to_hex(sha256("b")) + "  transformer/b-00002.safetensors\n" +
                          to_hex(sha256("v")) + "  vae/diffusion_pytorch_model.safetensors\n")));
  write("m/single-file.safetensors", "what no part loads does not count");
  write("m/loras/x.safetensors", "nor does this");
  EXPECT_EQ(hashes.model(folder_ / "m").value(), before);
  write("m/vae/diffusion_pytorch_model.safetensors", "other");
  EXPECT_NE(hashes.model(folder_ / "m").value(), before);
  EXPECT_EQ(hashes.model(write("one.safetensors", "x")).value(), to_hex(sha256("x")));
  write("shards/b.safetensors", "b");
  write("shards/a.safetensors", "a");
  EXPECT_EQ(hashes.model(folder_ / "shards").value(),
            to_hex(sha256(to_hex(sha256("a")) + "  a.safetensors\n" + to_hex(sha256("b")) +
                          "  b.safetensors\n")));
  fs::create_directories(folder_ / "empty");
  EXPECT_EQ(hashes.model(folder_ / "empty").error().code, Errc::not_found);
}

TEST_F(WeightHashesTest, SeveralFilesHaveTheSameInAnotherFolder) {
  WeightHashes hashes("");
  const auto both = [&](const fs::path& in, const std::string& second) {
    return hashes.files(std::vector{write(in / "a", "1"), write(in / "b", second)}).value();
  };
  EXPECT_EQ(both("one", "2"), both("two", "2"));
  EXPECT_NE(both("one", "2"), both("three", "3"));
  EXPECT_EQ(hashes.files(std::vector{folder_ / "nowhere"}).error().code, Errc::not_found);
}

// Put there by a rename: as big and as old as the one before, but another.
TEST_F(WeightHashesTest, AFileThatWasReplacedIsHashedAgain) {
  WeightHashes hashes("");
  const fs::path file = write("a.safetensors", "one"), other = write("b.safetensors", "two");
  EXPECT_EQ(hashes.lora(file).value().sha256, to_hex(sha256("one")));
  fs::last_write_time(other, fs::last_write_time(file));
  fs::rename(other, file);
  EXPECT_EQ(hashes.lora(file).value().sha256, to_hex(sha256("two")));
}

TEST_F(WeightHashesTest, AreRememberedAcrossStartsUntilTheFileChanges) {
  const fs::path file = write("a.safetensors", safetensors("{}", "one"));
  const fs::path memory = folder_ / "engine/memory.json";
  const std::string first = WeightHashes(memory).lora(file).value().sha256;
  write_unseen(file, safetensors("{}", "two"));  // read again, this would show
  EXPECT_EQ(WeightHashes(memory).lora(file).value().sha256, first);
  fs::last_write_time(file, fs::last_write_time(file) + std::chrono::seconds(1));
  EXPECT_EQ(WeightHashes(memory).lora(file).value().sha256,
            to_hex(sha256(safetensors("{}", "two"))));
  write_unseen(file, safetensors("{}", "three"));  // another size
  EXPECT_EQ(WeightHashes(memory).lora(file).value().sha256,
            to_hex(sha256(safetensors("{}", "three"))));
}

TEST_F(WeightHashesTest, ADamagedMemoryCountsAsNone) {
  const fs::path file = write("a.safetensors", "x");
  for (const char* text : {"", "[1]", "{\"a\": 1}", "{\"a\": {\"size\": \"x\"}}"}) {
    EXPECT_EQ(WeightHashes(write("memory.json", text)).lora(file).value().sha256,
              to_hex(sha256("x")));
  }
  // A folder that cannot be written costs the memory, not the hash.
  EXPECT_TRUE(WeightHashes(file / "is/no/folder.json").lora(file).ok());
}

TEST_F(WeightHashesTest, StopEndsIt) {
  WeightHashes hashes("");
  hashes.stop();
  EXPECT_EQ(hashes.lora(write("a", "x")).error().code, Errc::cancelled);
}

}  // namespace
}  // namespace pirouette::engine
