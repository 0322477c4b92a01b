// Disks that are full: each says so, nothing that was told is lost, and once there is room the farm
// goes on where it was. A small file system in memory stands for the disk; making one needs root.

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <fstream>

#include "tests/support/farm.h"

namespace pirouette::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::seconds;

// A folder on a disk of its own of so many MiB.
class SmallDisk {
 public:
  SmallDisk(fs::path folder, int mib) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    const std::string size = "size=" + std::to_string(mib) + "m";
    mounted_ = ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, size.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }

  // Fills it but for so many KiB.
  void fill(std::uint64_t but_kib) {
    struct statvfs status {};
    ASSERT_EQ(::statvfs(folder_.c_str(), &status), 0);
    const std::uint64_t free = status.f_bavail * status.f_frsize;
    std::ofstream file(folder_ / "filler", std::ios::binary | std::ios::app);
    const std::string block(4096, 'x');
    for (std::uint64_t n = free / 4096; n > but_kib / 4; --n) file << block;
  }
  void empty() { fs::remove(folder_ / "filler"); }

 private:
  const fs::path folder_;
  bool mounted_ = false;
};

#define SKIP_UNLESS(disk) \
  if (!(disk).mounted()) GTEST_SKIP() << "making a small disk needs root"

TEST(FullDisk, TheCoordinatorSaysSoAndGoesOnOnceThereIsRoom) {
  Farm farm;
  SmallDisk disk(farm.coordinator_folder(), 48);
  SKIP_UNLESS(disk);
  farm.start_coordinator();
  const std::uint64_t batch = farm.submit(8, Farm::tiny_recipe());
  disk.fill(64);
  farm.start_worker("one");
  farm.start_worker("two");
  // It waits for room (pictures), or ends loudly because it may not tell what it cannot store.
  const auto trouble = [&] {
    return !farm.coordinator().running() ||
           farm.coordinator().err().find("o space left") != std::string::npos;
  };
  ASSERT_TRUE(Farm::wait_until(trouble, seconds(60))) << farm.logs();
  const bool ended = Farm::wait_until([&] { return !farm.coordinator().running(); }, seconds(5));
  if (ended) {
    EXPECT_EQ(farm.coordinator().wait_for(seconds(1)), 70);
    EXPECT_NE(farm.coordinator().err().find("Mend the cause"), std::string::npos) << farm.logs();
  }
  const int before = std::stoi(farm.sql("SELECT count(*) FROM job WHERE state = 3"));
  EXPECT_LT(before, 48);
  disk.empty();
  if (ended) farm.start_coordinator();
  ASSERT_TRUE(farm.wait_finished(batch, seconds(120))) << farm.logs();
  EXPECT_EQ(farm.sql("SELECT count(*) FROM job WHERE state = 3"), "48");
  EXPECT_EQ(farm.sql("SELECT count(DISTINCT job) FROM event WHERE kind = 'job.done'"), "48");
  const Finished verified = farm.cli({"verify", std::to_string(batch)});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

TEST(FullDisk, AWorkerSaysSoAndAnotherDoesItsJobs) {
  Farm farm;
  SmallDisk disk(farm.folder() / "worker-full", 16);
  SKIP_UNLESS(disk);
  farm.start_coordinator();
  farm.start_worker("full");
  const auto online = [&] {
    return farm.sql("SELECT count(*) FROM worker WHERE state = 0") == "1";
  };
  ASSERT_TRUE(Farm::wait_until(online, seconds(20))) << farm.logs();
  disk.fill(0);
  const std::uint64_t batch = farm.submit(2, Farm::tiny_recipe());
  const auto said = [&] {
    return farm.sql("SELECT count(*) FROM event WHERE detail LIKE '%o space left%'") != "0";
  };
  ASSERT_TRUE(Farm::wait_until(said, seconds(60))) << farm.logs();
  farm.start_worker("other");
  ASSERT_TRUE(farm.wait_finished(batch, seconds(120))) << farm.logs();
  EXPECT_EQ(farm.sql("SELECT count(*) FROM job WHERE state = 3"), "12");
  EXPECT_EQ(farm.sql("SELECT jobs_done FROM worker WHERE name = 'full'"), "0");
}

}  // namespace
}  // namespace pirouette::testing
