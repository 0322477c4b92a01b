// Nights of the simulated farm, each twice; and the disk that they stand on. `simulate` runs as
// many as one likes: docs/simulator.md.

#include <gtest/gtest.h>

#include <string>

#include "tests/sim/disk.h"
#include "tests/sim/farm.h"

namespace pirouette::sim {
namespace {

TEST(Simulator, TheSameSeedGivesTheSameNight) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const Outcome once = run_farm(seed), again = run_farm(seed);
    EXPECT_EQ(once.broken, "") << "run: simulate --seed " << seed;
    EXPECT_EQ(once.hash, again.hash) << "seed " << seed;
  }
}

TEST(Simulator, NightsAreTroubledAndWorkIsDone) {
  Outcome sum;
  for (std::uint64_t seed = 100; seed < 130; ++seed) {
    const Outcome night = run_farm(seed);
    EXPECT_EQ(night.broken, "") << "run: simulate --seed " << seed;
    sum.done += night.done;
    for (std::size_t i = 0; i < Weather::kKinds; ++i) sum.struck[i] += night.struck[i];
  }
  EXPECT_GT(sum.done, 30u * 5);
  for (std::size_t i = 0; i < Weather::kKinds; ++i) {
    EXPECT_GT(sum.struck[i], 0u) << name(static_cast<Trouble>(i)) << " never struck";
  }
}

std::string text_of(const Disk::File* file) {
  return file ? std::string(file->bytes.begin(), file->bytes.end()) : "(none)";
}

void write(Disk& disk, Disk::File& file, std::uint64_t offset, const std::string& text) {
  ASSERT_EQ(
      disk.write(file, offset, reinterpret_cast<const std::uint8_t*>(text.data()), text.size()),
      Disk::Outcome::ok);
}

TEST(SimulatedDisk, KeepsWhatWasSyncedAndSometimesTheRest) {
  bool lost = false, kept = false;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Disk disk;
    Disk::File& file = disk.create("a");
    write(disk, file, 0, "synced");
    ASSERT_EQ(disk.sync(file), Disk::Outcome::ok);
    write(disk, file, 2, "XX and more");
    disk.truncate(file, 9);
    Rng rng(seed);
    disk.cut_power(rng);
    const std::string left = text_of(disk.find("a"));
    EXPECT_EQ(left.substr(0, 2), "sy");
    lost |= left == "synced";
    kept |= left == "syXX and ";
  }
  EXPECT_TRUE(lost);
  EXPECT_TRUE(kept);
}

TEST(SimulatedDisk, TearsWritesAtSectors) {
  bool torn = false;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Disk disk;
    Disk::File& file = disk.create("a");
    write(disk, file, 0, std::string(1024, 'a'));
    ASSERT_EQ(disk.sync(file), Disk::Outcome::ok);
    write(disk, file, 0, std::string(1024, 'b'));
    Rng rng(seed);
    disk.cut_power(rng);
    const std::string left = text_of(disk.find("a"));
    ASSERT_EQ(left.size(), 1024u);
    EXPECT_EQ(left.substr(0, 512), std::string(512, left[0]));
    torn |= left.front() != left.back();
  }
  EXPECT_TRUE(torn);
}

TEST(SimulatedDisk, ADeadProcessLeavesWhatItWrote) {
  Disk disk;
  Disk::File& file = disk.create("a");
  write(disk, file, 0, "written");
  disk.fail_at(1, DiskFault::kill);
  EXPECT_EQ(disk.sync(file), Disk::Outcome::io);
  EXPECT_TRUE(disk.is_dead());
  disk.restart_process();
  EXPECT_EQ(text_of(disk.find("a")), "written");
}

TEST(SimulatedDisk, AFullOneTakesNoLongerFiles) {
  Disk disk;
  Disk::File& file = disk.create("a");
  write(disk, file, 0, "written");
  disk.set_full(true);
  const std::uint8_t byte = 'x';
  EXPECT_EQ(disk.write(file, 7, &byte, 1), Disk::Outcome::full);
  EXPECT_EQ(disk.write(file, 0, &byte, 1), Disk::Outcome::ok);
}

}  // namespace
}  // namespace pirouette::sim
