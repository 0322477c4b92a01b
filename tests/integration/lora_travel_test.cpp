// LoRAs travel: registered once with the command line, fetched once by each worker, rendered as if
// they had lain in its own folder. Real processes, the tiny model.

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "common/blobs.h"
#include "common/files.h"
#include "tests/support/farm.h"

namespace pirouette::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::seconds;

fs::path tiny_lora(const std::string& name) {
  return tiny_model() / "comfyui/loras" / (name + ".safetensors");
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class LorasTravel : public ::testing::Test {
 protected:
  void start_bare_worker(const std::string& name, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--model", "tiny-kontext=" + tiny_model().string()});
    farm_.start_worker(name, more);
  }
  void add(const std::string& name, const fs::path& file,
           const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"lora", "add", name, file};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished added = farm_.cli(arguments);
    ASSERT_EQ(added.exit_code, 0) << added.out << added.err << farm_.logs();
  }
  static json recipe_with(const std::string& lora) {
    json recipe = Farm::tiny_recipe();
    recipe["loras"] = {{{"name", lora}, {"scale", 1.0}}};
    return recipe;
  }
  int times_fetched(const std::string& worker) const {
    const std::string log = read_text(farm_.folder() / (worker + ".log"));
    int count = 0;
    for (auto at = log.find("fetching LoRA"); at != log.npos;
         at = log.find("fetching LoRA", at + 1))
      ++count;
    return count;
  }
  fs::path cached(const std::string& worker, const fs::path& file) const {
    return Blobs::path_in(farm_.folder() / ("worker-" + worker) / "loras", sha256(read_text(file)));
  }
  std::string results_of(std::uint64_t batch) {
    return farm_.sql(
        "SELECT group_concat(hex(result)) FROM (SELECT result FROM job WHERE batch = " +
        std::to_string(batch) + " ORDER BY id)");
  }

  Farm farm_;
};

TEST_F(LorasTravel, TwoBareWorkersFetchItOnceAndRenderAsFromTheirOwnFolder) {
  farm_.start_coordinator();
  farm_.start_worker("own");  // has the file as "turnaround" in its own folder
  const std::uint64_t wanted = farm_.submit(2, Farm::tiny_recipe());
  ASSERT_TRUE(farm_.wait_finished(wanted, seconds(90))) << farm_.logs();
  farm_.worker("own").signal(SIGTERM);
  ASSERT_EQ(farm_.worker("own").wait_for(seconds(20)), 0) << farm_.logs();

  add("turnaround", tiny_lora("peft"));
  start_bare_worker("one");
  start_bare_worker("two");
  const std::uint64_t batch = farm_.submit(2, Farm::tiny_recipe());
  ASSERT_TRUE(farm_.wait_finished(batch, seconds(90))) << farm_.logs();
  EXPECT_EQ(results_of(batch), results_of(wanted)) << "the same pictures, byte for byte";
  EXPECT_EQ(
      farm_.sql("SELECT count(DISTINCT worker) FROM job WHERE batch = " + std::to_string(batch)),
      "2");
  for (const char* worker : {"one", "two"}) {
    EXPECT_EQ(times_fetched(worker), 1) << farm_.logs();
    EXPECT_TRUE(fs::exists(cached(worker, tiny_lora("peft"))));
  }
  const auto holds = [&] {
    const json all = farm_.get("/api/v1/models");
    const json workers = all.at("loras").at(0).at("workers");
    return workers.size() == 2 && workers.at(0).at("holds") == "resident" &&
           workers.at(1).at("holds") == "resident";
  };
  EXPECT_TRUE(Farm::wait_until(holds, seconds(10))) << farm_.get("/api/v1/models").dump(1);
  const Finished models = farm_.cli({"models"});
  EXPECT_NE(models.out.find("one resident, two resident"), std::string::npos) << models.out;
}

TEST_F(LorasTravel, AReplacedNameRendersOtherPicturesAndOldBatchesKeepTheirs) {
  farm_.start_coordinator();
  start_bare_worker("one");
  add("style", tiny_lora("peft"));
  const std::uint64_t first = farm_.submit(1, recipe_with("style"));
  ASSERT_TRUE(farm_.wait_finished(first, seconds(90))) << farm_.logs();
  EXPECT_NE(farm_.cli({"lora", "add", "style", tiny_lora("second_peft")}).exit_code, 0);
  add("style", tiny_lora("second_peft"), {"--replace"});
  const std::uint64_t second = farm_.submit(1, recipe_with("style"));
  ASSERT_TRUE(farm_.wait_finished(second, seconds(90))) << farm_.logs();
  EXPECT_NE(results_of(first), results_of(second));
  json recipe = farm_.get("/api/v1/batches/" + std::to_string(first)).at("recipe");
  const std::uint64_t again = farm_.submit(1, recipe);
  ASSERT_TRUE(farm_.wait_finished(again, seconds(90))) << farm_.logs();
  EXPECT_EQ(results_of(again), results_of(first)) << "the old batch's recipe has its bytes";
}

TEST_F(LorasTravel, AWorkerKilledWhileItFetchesGoesOnWithWhatItHas) {
  farm_.start_coordinator();
  // As large as a file must be to be caught on its way: the tiny one, with a long tensor beside it.
  const fs::path large = farm_.folder() / "large.safetensors";
  constexpr std::uint64_t kExtraBytes = 300'000'000;
  const std::string tiny = read_text(tiny_lora("peft"));
  std::uint64_t header_bytes = 0;
  for (int i = 7; i >= 0; --i) {
    header_bytes =
        header_bytes << 8 | static_cast<unsigned char>(tiny[static_cast<std::size_t>(i)]);
  }
  json header = json::parse(tiny.substr(8, header_bytes));
  const std::uint64_t data_bytes = tiny.size() - 8 - header_bytes;
  header["padding.lora_unknown"] = {{"dtype", "U8"},
                                    {"shape", {kExtraBytes}},
                                    {"data_offsets", {data_bytes, data_bytes + kExtraBytes}}};
  const std::string text = header.dump();
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(text.size() >> (8 * i) & 0xFF);
  std::ofstream(large, std::ios::binary) << length << text << tiny.substr(8 + header_bytes);
  fs::resize_file(large, 8 + text.size() + data_bytes + kExtraBytes);
  add("large", large);

  // Hashed before anything is fetched: it takes longer than the fetching.
  const fs::path whole = cached("one", large);
  const fs::path partial = farm_.folder() / "worker-one/loras/incoming" / whole.filename();
  start_bare_worker("one");
  const std::uint64_t batch = farm_.submit(1, recipe_with("large"));
  const auto begun = [&] {
    std::error_code none;
    const auto size = fs::file_size(partial, none);
    return !none && size > 5'000'000;
  };
  ASSERT_TRUE(Farm::wait_until(begun, seconds(30))) << farm_.logs();
  farm_.worker("one").kill9();
  std::error_code none;
  const auto had = fs::file_size(partial, none);
  ASSERT_FALSE(none) << "it was too fast for this test; make the file larger";
  start_bare_worker("one");
  EXPECT_TRUE(Farm::wait_until([&] { return fs::exists(whole); }, seconds(60))) << farm_.logs();
  EXPECT_GE(had, 5'000'000u);
  EXPECT_EQ(fs::file_size(whole), fs::file_size(large));
  // The engine does not know such a key, and says so: the job cannot work anywhere.
  ASSERT_TRUE(farm_.wait_finished(batch, seconds(60))) << farm_.logs();
  EXPECT_NE(farm_.sql("SELECT error FROM job WHERE batch = " + std::to_string(batch) + " LIMIT 1")
                .find("padding"),
            std::string::npos);
}

TEST_F(LorasTravel, ACacheForOneLetsTheOtherGo) {
  farm_.start_coordinator();
  const auto most = std::max(fs::file_size(tiny_lora("peft")), fs::file_size(tiny_lora("kohya")));
  start_bare_worker("one", {"--lora-cache-size", std::to_string(most)});
  add("a", tiny_lora("peft"));
  add("b", tiny_lora("kohya"));
  for (const std::string name : {"a", "b", "a"}) {
    const std::uint64_t batch = farm_.submit(1, recipe_with(name));
    ASSERT_TRUE(farm_.wait_finished(batch, seconds(90))) << farm_.logs();
    EXPECT_EQ(
        farm_.sql("SELECT count(*) FROM job WHERE state = 3 AND batch = " + std::to_string(batch)),
        "6");
    EXPECT_EQ(fs::exists(cached("one", tiny_lora("peft"))), name == "a");
    EXPECT_EQ(fs::exists(cached("one", tiny_lora("kohya"))), name == "b");
  }
  EXPECT_EQ(times_fetched("one"), 3) << farm_.logs();
}

TEST_F(LorasTravel, ADamagedFileIsRefusedAndACopyThatRotsIsFetchedAgain) {
  farm_.start_coordinator();
  const fs::path cut = farm_.folder() / "cut.safetensors";
  const std::string whole = read_text(tiny_lora("peft"));
  std::ofstream(cut, std::ios::binary) << whole.substr(0, whole.size() - 10);
  const Finished refused = farm_.cli({"lora", "add", "style", cut});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("it is cut off; get it again"), std::string::npos) << refused.err;

  add("style", tiny_lora("peft"));
  start_bare_worker("one");
  const std::uint64_t first = farm_.submit(1, recipe_with("style"));
  ASSERT_TRUE(farm_.wait_finished(first, seconds(90))) << farm_.logs();
  const fs::path copy = cached("one", tiny_lora("peft"));
  std::string rotten = whole;
  rotten[rotten.size() / 2] = static_cast<char>(rotten[rotten.size() / 2] ^ 1);
  std::ofstream(copy, std::ios::binary | std::ios::trunc) << rotten;
  const std::uint64_t second = farm_.submit(1, recipe_with("style"));
  ASSERT_TRUE(farm_.wait_finished(second, seconds(90))) << farm_.logs();
  EXPECT_EQ(results_of(second), results_of(first));
  EXPECT_EQ(read_text(copy), whole);
}

}  // namespace
}  // namespace pirouette::testing
