#include "common/wire/keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "common/files.h"
#include "common/wire/sockets.h"
#include "tests/support/folder.h"

namespace pirouette::wire {
namespace {

namespace fs = std::filesystem;

class Keys : public testing::Test {
 protected:
  const TestFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

unsigned mode_of(const fs::path& file) {
  struct stat status {};
  EXPECT_EQ(::stat(file.c_str(), &status), 0);
  return status.st_mode & 0777u;
}

TEST_F(Keys, AreMadeAtFirstStartAndStay) {
  const KeyPair made = open_coordinator_keys(folder_ / "keys").value();
  EXPECT_TRUE(is_key(made.public_key));
  EXPECT_EQ(mode_of(folder_ / "keys/coordinator.secret"), 0600u);
  EXPECT_EQ(mode_of(folder_ / "keys/worker.key"), 0600u);
  const KeyPair again = open_coordinator_keys(folder_ / "keys").value();
  EXPECT_EQ(again.secret_key, made.secret_key);
  EXPECT_EQ(again.public_key, made.public_key);
}

TEST_F(Keys, TheMadeWorkerKeyIsAuthorized) {
  const KeyPair coordinator = open_coordinator_keys(folder_).value();
  const WorkerKeys worker = read_worker_keys(folder_ / "worker.key").value();
  EXPECT_EQ(worker.coordinator_public, coordinator.public_key);
  auto authorized = AuthorizedWorkers::open(folder_ / "authorized_workers").value();
  EXPECT_TRUE(authorized->allows(worker.own.public_key));
  EXPECT_FALSE(authorized->allows(make_key_pair().public_key));
}

TEST_F(Keys, AnAuthorizedFileThatChangesIsReadAgain) {
  const fs::path file = folder_ / "authorized_workers";
  const std::string one = make_key_pair().public_key, other = make_key_pair().public_key;
  ASSERT_TRUE(write_file_durably(file, "# one\n  " + one + " # anna's machine\n").ok());
  auto authorized = AuthorizedWorkers::open(file).value();
  EXPECT_TRUE(authorized->allows(one));
  ASSERT_TRUE(write_file_durably(file, other + "\nnot a key\n").ok());
  std::this_thread::sleep_for(std::chrono::microseconds(AuthorizedWorkers::kLookAgain.us));
  EXPECT_FALSE(authorized->allows(one));
  EXPECT_TRUE(authorized->allows(other));
}

TEST_F(Keys, AFileThatIsNoKeyFileSaysWhatToDo) {
  ASSERT_TRUE(write_file_durably(folder_ / "x", "worker-public abc\n").ok());
  const auto read = read_worker_keys(folder_ / "x");
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().what.find("copy worker.key"), std::string::npos);
}

TEST(Sockets, OnlyLoopbackIsNear) {
  for (const char* near : {"tcp://127.0.0.1:5571", "tcp://localhost:1", "tcp://[::1]:1"}) {
    EXPECT_TRUE(is_loopback(near));
  }
  for (const char* far : {"tcp://*:5571", "tcp://0.0.0.0:1", "tcp://10.0.0.1:1", "", "127.0.0.1"}) {
    EXPECT_FALSE(is_loopback(far));
  }
}

}  // namespace
}  // namespace pirouette::wire
