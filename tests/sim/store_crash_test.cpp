// The real store on a disk whose power is cut, change by change: what was committed is there, a
// commit that was cut off is there wholly or not at all, and what a start has read stays.

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "coordinator/store/store.h"
#include "tests/sim/disk.h"
#include "tests/sim/disk_vfs.h"
#include "tests/support/folder.h"

namespace pirouette::sim {
namespace {

class StoreCrash : public testing::Test {
 protected:
  std::unique_ptr<store::Store> open() {
    auto opened = store::Store::open(folder_ / "farm.db");
    EXPECT_TRUE(opened.ok()) << opened.error().what;
    return opened.ok() ? std::move(opened).value() : nullptr;
  }
  static Result<void> append(store::Store& store, std::uint64_t event) {
    core::LedgerRow row;
    row.id = {event};
    row.kind = "worker.joined";
    row.detail = std::string(6000, 'x');  // more than a page
    const core::Write write = core::AppendEvent{row};
    return store.commit({&write, 1});
  }
  static std::uint64_t count(store::Store& store) {
    return store.load().value().next.event.value - 1;
  }

  // Two events committed, and a third under way when the fault comes with that change. check gets
  // the store as it is opened after that. False: the commit was through before.
  bool crash_at(std::uint64_t change, DiskFault fault, Rng& rng,
                const std::function<void(Disk&, bool committed)>& check) {
    Disk disk;
    const MountedDisk mounted(disk);
    auto store = open();
    EXPECT_TRUE(append(*store, 1).ok());
    EXPECT_TRUE(append(*store, 2).ok());
    disk.fail_at(change, fault);
    const bool committed = append(*store, 3).ok();
    const bool through = !disk.is_dead();
    disk.fail_at(1, DiskFault::kill);
    store.reset();
    if (fault == DiskFault::power) {
      disk.cut_power(rng);
    } else {
      disk.restart_process();
    }
    check(disk, committed);
    return !through;
  }

  const TestFolder folder_;
};

TEST_F(StoreCrash, ACommitIsThereWhollyOrNotAtAll) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Rng rng(seed);
    std::uint64_t change = 1;
    while (crash_at(change, DiskFault::power, rng, [&](Disk&, bool committed) {
      const auto store = open();
      ASSERT_TRUE(store);
      EXPECT_GE(count(*store), committed ? 3u : 2u) << "cut at change " << change;
      EXPECT_TRUE(append(*store, count(*store) + 1).ok());
    })) {
      ++change;
    }
    EXPECT_EQ(change, 3u) << "one write of several pages, and one sync";
  }
}

// A process that is killed between writing and syncing leaves a commit that nobody was told of; the
// next one reads it and may tell.
TEST_F(StoreCrash, WhatAStartReadsIsDurable) {
  Rng rng(1);
  std::uint64_t change = 1;
  int read_unsynced = 0;
  while (crash_at(change, DiskFault::kill, rng, [&](Disk& disk, bool committed) {
    auto store = open();
    ASSERT_TRUE(store);
    const std::uint64_t read = count(*store);
    read_unsynced += read == 3 && !committed ? 1 : 0;
    disk.fail_at(1, DiskFault::power);
    store.reset();
    disk.cut_power(rng);
    store = open();
    ASSERT_TRUE(store);
    EXPECT_EQ(count(*store), read) << "killed at change " << change;
  })) {
    ++change;
  }
  EXPECT_GT(read_unsynced, 0);
}

TEST_F(StoreCrash, MakingADatabaseCanBeCutOff) {
  for (std::uint64_t change = 1; change < 400; change += 7) {
    Rng rng(change);
    Disk disk;
    const MountedDisk mounted(disk);
    disk.fail_at(change, DiskFault::power);
    { const auto cut_off = store::Store::open(folder_ / "farm.db"); }
    if (!disk.is_dead()) return;
    disk.cut_power(rng);
    const auto store = open();
    ASSERT_TRUE(store) << "cut at change " << change;
    EXPECT_TRUE(append(*store, 1).ok());
  }
}

}  // namespace
}  // namespace pirouette::sim
