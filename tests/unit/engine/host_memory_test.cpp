#include "worker/engine/residency/host_memory.h"

#include <gtest/gtest.h>

#include "tests/unit/engine/folder.h"

namespace pirouette::engine {
namespace {

constexpr std::uint64_t kMib = 1 << 20;

void write_meminfo(const Folder& root) {
  root.write("proc/meminfo",
             "MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:   12288 kB\nCached: 7 kB\n");
}

TEST(HostMemory, IsTheMachinesWithoutALimit) {
  const Folder root;
  write_meminfo(root);
  root.write("proc/self/cgroup", "0::/user.slice/a\n");
  root.write("sys/fs/cgroup/user.slice/a/memory.max", "max\n");
  const HostMemory memory = ask_host_memory(root.path());
  EXPECT_EQ(memory.total_bytes, 16 * kMib);
  EXPECT_EQ(memory.free_bytes, 12 * kMib);
}

// Of a group above too; files that the group has in cache can be had back.
TEST(HostMemory, IsAGroupsWhereItIsLimited) {
  const Folder root;
  write_meminfo(root);
  root.write("proc/self/cgroup", "0::/job_7/step\n");
  root.write("sys/fs/cgroup/job_7/step/memory.max", "max\n");
  root.write("sys/fs/cgroup/job_7/memory.max", "8388608\n");
  root.write("sys/fs/cgroup/job_7/memory.stat", "anon 2097152\nfile 4194304\n");
  const HostMemory memory = ask_host_memory(root.path());
  EXPECT_EQ(memory.total_bytes, 8 * kMib);
  EXPECT_EQ(memory.free_bytes, 6 * kMib);
}

TEST(HostMemory, ThisMachineHasSome) {
  EXPECT_GT(ask_host_memory().free_bytes, 0u);
  EXPECT_GE(ask_host_memory().total_bytes, ask_host_memory().free_bytes / 2);
}

}  // namespace
}  // namespace pirouette::engine
