// The folder of fetched LoRAs: its limit holds before bytes come, and what is in use stays.

#include "worker/link/lora_cache.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/link/farm.h"

namespace pirouette::test {
namespace {

using link::LoraCache;
using nlohmann::json;

class LoraCacheTest : public testing::Test {
 protected:
  LoraCacheTest() { reopen(); }
  void reopen() { cache_ = LoraCache::open(folder_.path(), 100).value(); }

  static std::vector<std::uint8_t> bytes_of(const std::string& name, std::size_t size) {
    std::vector<std::uint8_t> bytes(size, 'x');
    std::copy(name.begin(), name.end(), bytes.begin());
    return bytes;
  }
  static Digest digest_of(const std::string& name, std::size_t size) {
    return sha256(bytes_of(name, size));
  }
  bool reserve(const std::string& name, std::size_t size, const std::vector<Digest>& in_use = {}) {
    return cache_->reserve(digest_of(name, size), size, in_use);
  }
  void bring(const std::string& name, std::size_t size, const std::vector<Digest>& in_use = {}) {
    ASSERT_TRUE(reserve(name, size, in_use));
    auto file = cache_->receive(digest_of(name, size), size).value();
    ASSERT_TRUE(file.append(bytes_of(name, size)).ok());
    ASSERT_TRUE(file.finish().ok());
    cache_->came(digest_of(name, size), size);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // no two are used at once
  }
  bool has(const std::string& name, std::size_t size) {
    return cache_->contains(digest_of(name, size));
  }

  Folder folder_;
  std::unique_ptr<LoraCache> cache_;
};

TEST_F(LoraCacheTest, WhatWasUsedLongestAgoGoes) {
  bring("a", 40);
  bring("b", 40);
  EXPECT_TRUE(cache_->use(digest_of("a", 40)));
  bring("c", 30);
  EXPECT_TRUE(has("a", 40));
  EXPECT_FALSE(has("b", 40));
  EXPECT_TRUE(has("c", 30));
  EXPECT_FALSE(cache_->use(digest_of("b", 40)));
}

TEST_F(LoraCacheTest, TheOrderOutlivesARestartAndUseDoesNotChangeTheFile) {
  bring("a", 40);
  bring("b", 40);
  const auto path = Blobs::path_in(folder_.path(), digest_of("a", 40));
  const auto changed = fs::last_write_time(path);
  EXPECT_TRUE(cache_->use(digest_of("a", 40)));
  EXPECT_EQ(fs::last_write_time(path), changed);
  reopen();
  bring("c", 30);
  EXPECT_TRUE(has("a", 40));
  EXPECT_FALSE(has("b", 40));
}

TEST_F(LoraCacheTest, NothingInUseGoes) {
  bring("a", 40);
  bring("b", 40);
  const std::vector<Digest> in_use = {digest_of("a", 40), digest_of("b", 40)};
  EXPECT_FALSE(reserve("c", 30, in_use));
  EXPECT_TRUE(has("a", 40) && has("b", 40));
  EXPECT_TRUE(reserve("c", 30, {in_use[0]}));
  EXPECT_TRUE(has("a", 40));
}

TEST_F(LoraCacheTest, WhatIsToComeTakesRoomToo) {
  ASSERT_TRUE(reserve("a", 60));
  EXPECT_FALSE(reserve("b", 60));
  EXPECT_TRUE(reserve("c", 40));
  cache_->give_up(digest_of("a", 60));
  EXPECT_TRUE(reserve("b", 60));
  EXPECT_FALSE(reserve("d", 101)) << "larger than all of it";
}

TEST_F(LoraCacheTest, OnlyWhatIsExpectedComes) {
  EXPECT_FALSE(cache_->receive(digest_of("a", 40), 40).ok());
  ASSERT_TRUE(reserve("a", 40));
  EXPECT_FALSE(cache_->receive(digest_of("a", 40), 41).ok()) << "another size than was named";
}

TEST_F(LoraCacheTest, AHalfFileIsGoneOnWithAndOneThatNobodyWantsGoes) {
  ASSERT_TRUE(reserve("a", 40));
  {
    auto file = cache_->receive(digest_of("a", 40), 40).value();
    const auto bytes = bytes_of("a", 40);
    ASSERT_TRUE(file.append(std::span(bytes).first(25)).ok());
  }
  reopen();  // the process was killed
  ASSERT_TRUE(reserve("a", 40));
  EXPECT_EQ(cache_->receive(digest_of("a", 40), 40).value().received(), 25u);
  cache_->give_up(digest_of("a", 40));
  ASSERT_TRUE(reserve("b", 100));
  EXPECT_TRUE(fs::is_empty(folder_.path() / "incoming"));
}

TEST_F(LoraCacheTest, OneThatTheEngineRemovedIsNotThere) {
  bring("a", 40);
  fs::remove(Blobs::path_in(folder_.path(), digest_of("a", 40)));
  EXPECT_FALSE(cache_->use(digest_of("a", 40)));
  EXPECT_TRUE(reserve("b", 100)) << "it takes no room either";
}

TEST_F(LoraCacheTest, SaysWhatItHoldsInTheEnginesResidency) {
  bring("a", 40);
  bring("b", 30);
  cache_->use(digest_of("a", 40));
  const json said = json::parse(cache_->described_in(R"({"model": "tiny"})"));
  EXPECT_EQ(said["model"], "tiny");
  EXPECT_EQ(said["lora_cache"]["limit_bytes"], 100);
  EXPECT_EQ(said["lora_cache"]["held_bytes"], 70);
  EXPECT_EQ(said["lora_cache"]["loras"][0]["sha256"], to_hex(digest_of("a", 40)));
  EXPECT_EQ(said["lora_cache"]["loras"][1]["bytes"], 30);
  EXPECT_EQ(cache_->described_in("no object"), "no object");
}

}  // namespace
}  // namespace pirouette::test
