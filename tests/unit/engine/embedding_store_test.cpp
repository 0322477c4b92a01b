#include "worker/engine/residency/embedding_store.h"

#include <gtest/gtest.h>

#include "tests/unit/engine/folder.h"

namespace pirouette::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kRoomy = 1 << 20;
using Bytes = std::vector<std::uint8_t>;

Digest key(const std::string& name) { return sha256(std::string_view(name)); }

fs::path only_file(const fs::path& folder) { return *fs::directory_iterator(folder); }

std::size_t count_files(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(EmbeddingStore, GivesBackWhatWasSavedToTheNextProcess) {
  const Folder folder;
  const fs::path place = folder.path() / "embeddings";
  ASSERT_TRUE(EmbeddingStore(place, kRoomy).save(key("front"), Bytes{1, 2, 3}).ok());
  const EmbeddingStore next(place, kRoomy);
  EXPECT_EQ(next.find(key("front")), (Bytes{1, 2, 3}));
  EXPECT_EQ(next.find(key("back")), std::nullopt);
}

TEST(EmbeddingStore, ATornFileIsAsGoodAsNone) {
  const Folder folder;
  const EmbeddingStore store(folder.path(), kRoomy);
  ASSERT_TRUE(store.save(key("front"), Bytes(1000, 7)).ok());
  const fs::path file = only_file(folder.path());
  for (const std::uintmax_t size : {999u, 100u, 48u, 20u, 0u}) {
    ASSERT_TRUE(store.save(key("front"), Bytes(1000, 7)).ok());
    fs::resize_file(file, size);
    EXPECT_EQ(store.find(key("front")), std::nullopt) << size;
    EXPECT_FALSE(fs::exists(file)) << size;
  }
}

TEST(EmbeddingStore, ADamagedByteIsFound) {
  const Folder folder;
  const EmbeddingStore store(folder.path(), kRoomy);
  ASSERT_TRUE(store.save(key("front"), Bytes(1000, 7)).ok());
  std::fstream file(only_file(folder.path()), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(500);
  file.put(8);
  file.close();
  EXPECT_EQ(store.find(key("front")), std::nullopt);
}

TEST(EmbeddingStore, IsBoundedAndForgetsWhatWasUsedLongestAgo) {
  const Folder folder;
  const EmbeddingStore store(folder.path(), 3300);  // three of 1048 bytes
  const auto age = [&](const std::string& name, int hours) {
    fs::last_write_time(folder.path() / (to_hex(key(name)) + ".embedding"),
                        fs::file_time_type::clock::now() - std::chrono::hours(hours));
  };
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(store.save(key(name), Bytes(1000)).ok());
  age("a", 3), age("b", 2), age("c", 1);
  EXPECT_TRUE(store.find(key("a")));  // used now
  ASSERT_TRUE(store.save(key("d"), Bytes(1000)).ok());
  EXPECT_FALSE(store.find(key("b")));
  EXPECT_TRUE(store.find(key("a")));
  EXPECT_TRUE(store.find(key("c")));
  EXPECT_TRUE(store.find(key("d")));
}

TEST(EmbeddingStore, SweepsWhatACutOffWriteLeft) {
  const Folder folder;
  const fs::path torn = folder.write("ab.embedding.tmp12.0", "half");
  fs::last_write_time(torn, fs::file_time_type::clock::now() - std::chrono::hours(2));
  ASSERT_TRUE(EmbeddingStore(folder.path(), kRoomy).save(key("a"), Bytes(10)).ok());
  EXPECT_FALSE(fs::exists(torn));
}

TEST(EmbeddingStore, WithoutAFolderStoresNothing) {
  const EmbeddingStore store({}, kRoomy);
  EXPECT_TRUE(store.save(key("a"), Bytes(10)).ok());
  EXPECT_EQ(store.find(key("a")), std::nullopt);
}

TEST(EmbeddingStore, AFolderThatCannotBeMadeIsSaid) {
  const Folder folder;
  const fs::path in_the_way = folder.write("file", "");
  EXPECT_EQ(EmbeddingStore(in_the_way / "under", kRoomy).save(key("a"), Bytes(10)).error().code,
            Errc::io);
  EXPECT_EQ(count_files(folder.path()), 1u);
}

}  // namespace
}  // namespace pirouette::engine
