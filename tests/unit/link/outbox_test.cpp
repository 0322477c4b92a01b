#include "worker/link/outbox.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "tests/unit/link/farm.h"

namespace pirouette::link {
namespace {

using test::Folder;
using test::some_bytes;

agent::Finished result(std::uint64_t lease, const std::vector<std::uint8_t>& picture) {
  return {{lease}, {lease + 100}, sha256(picture), "{\"seconds\":\"ä\"}"};
}

// Behind the journal's last record, where the outbox's own next one would go.
void append(const Folder& folder, const std::string& text) {
  std::fstream journal(folder.path() / "journal", std::ios::in | std::ios::out | std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(journal), {});
  journal.clear();
  journal.seekp(static_cast<std::streamoff>(bytes.find_last_not_of('\0') + 1));
  journal << text;
}

TEST(Outbox, WhatWasSyncedIsThereAgain) {
  Folder folder;
  const auto picture = some_bytes(1000);
  {
    Outbox outbox = Outbox::open(folder.path()).value();
    ASSERT_TRUE(outbox.keep(result(1, picture), &picture).ok());
    ASSERT_TRUE(outbox.keep(result(2, picture), nullptr).ok());
    ASSERT_TRUE(outbox.sync().ok());
  }
  Outbox again = Outbox::open(folder.path()).value();
  EXPECT_EQ(again.results(), (std::vector{result(1, picture), result(2, picture)}));
  EXPECT_EQ(again.pictures().read(sha256(picture)).value(), picture);
}

TEST(Outbox, MetricsComeBackAsTheyWereWhateverIsInThem) {
  Folder folder;
  const auto picture = some_bytes(10);
  std::string all;
  for (int code = 0; code < 128; ++code) all += static_cast<char>(code);
  std::vector<agent::Finished> kept(4, result(1, picture));
  kept[0].metrics = "{\"a\\\"b\": \"c:\\\\d\",\n\t\"e\": 1}";
  kept[1].metrics = all + "äöü \xF0\x9F\x99\x82";
  kept[2].metrics = "";
  kept[3].metrics = "no UTF-8: \xFF.";
  {
    Outbox outbox = Outbox::open(folder.path()).value();
    for (std::size_t i = 0; i < kept.size(); ++i) {
      kept[i].lease = {i + 1};
      ASSERT_TRUE(outbox.keep(kept[i], nullptr).ok());
    }
    ASSERT_TRUE(outbox.sync().ok());
  }
  kept[3].metrics = "no UTF-8: \uFFFD.";
  EXPECT_EQ(Outbox::open(folder.path()).value().results(), kept);
}

TEST(Outbox, APictureStaysWhileAnyResultNeedsIt) {
  Folder folder;
  const auto picture = some_bytes(1000);
  Outbox outbox = Outbox::open(folder.path()).value();
  ASSERT_TRUE(outbox.keep(result(1, picture), &picture).ok());
  ASSERT_TRUE(outbox.keep(result(2, picture), &picture).ok());
  ASSERT_TRUE(outbox.sync().ok());
  outbox.forget({1});
  EXPECT_TRUE(outbox.pictures().contains(sha256(picture)));
  outbox.forget({2});
  EXPECT_FALSE(outbox.pictures().contains(sha256(picture)));
  EXPECT_TRUE(outbox.results().empty());
}

TEST(Outbox, ATornOrDamagedRecordCostsOnlyItself) {
  Folder folder;
  const auto picture = some_bytes(1000);
  {
    Outbox outbox = Outbox::open(folder.path()).value();
    ASSERT_TRUE(outbox.keep(result(1, picture), &picture).ok());
    ASSERT_TRUE(outbox.sync().ok());
  }
  append(folder, "00000000 {\"forgotten\":1}\ndeadbeef {\"kept\":3,\"job\":");
  Outbox again = Outbox::open(folder.path()).value();
  EXPECT_EQ(again.results(), std::vector{result(1, picture)});
}

TEST(Outbox, APictureWithoutARecordIsSweptAtTheStart) {
  Folder folder;
  const auto picture = some_bytes(1000);
  {
    Outbox outbox = Outbox::open(folder.path()).value();
    ASSERT_TRUE(outbox.keep(result(1, picture), &picture).ok());  // and never synced: a crash
  }
  Outbox again = Outbox::open(folder.path()).value();
  EXPECT_TRUE(again.results().empty());
  EXPECT_FALSE(again.pictures().contains(sha256(picture)));
}

TEST(Outbox, APictureThatADamagedRecordMayHaveNamedIsPutAside) {
  Folder folder;
  const auto picture = some_bytes(1000);
  {
    Outbox outbox = Outbox::open(folder.path()).value();
    ASSERT_TRUE(outbox.keep(result(1, picture), &picture).ok());  // its record gets damaged
  }
  append(folder, "deadbeef {\"kept\":1,\"job\":");
  Outbox again = Outbox::open(folder.path()).value();
  EXPECT_FALSE(again.pictures().contains(sha256(picture)));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "strays" / to_hex(sha256(picture))));
}

TEST(Outbox, TheJournalDoesNotGrowForEver) {
  Folder folder;
  const auto picture = some_bytes(10);
  Outbox outbox = Outbox::open(folder.path()).value();
  agent::Finished big = result(1, picture);
  big.metrics = "{\"x\":\"" + std::string(8000, 'x') + "\"}";
  for (std::uint64_t lease = 1; lease <= 1200; ++lease) {
    big.lease = {lease};
    ASSERT_TRUE(outbox.keep(big, nullptr).ok());
    ASSERT_TRUE(outbox.sync().ok());
    outbox.forget({lease});
  }
  EXPECT_LT(std::filesystem::file_size(folder.path() / "journal"), kJournalMaxBytes + (512 << 10));
}

TEST(Outbox, TheJournalsFileGrowsForManyRecordsAtOnce) {
  Folder folder;
  const auto picture = some_bytes(10);
  {
    Outbox outbox = Outbox::open(folder.path()).value();
    std::set<std::uintmax_t> sizes;
    for (std::uint64_t lease = 1; lease <= 1000; ++lease) {
      ASSERT_TRUE(outbox.keep(result(lease, picture), nullptr).ok());
      ASSERT_TRUE(outbox.sync().ok());
      sizes.insert(std::filesystem::file_size(folder.path() / "journal"));
    }
    EXPECT_EQ(sizes.size(), 1u) << "1000 records of 170 bytes";
  }
  Outbox again = Outbox::open(folder.path()).value();
  EXPECT_EQ(again.results().size(), 1000u);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "strays")) << "no record was damaged";
}

}  // namespace
}  // namespace pirouette::link
