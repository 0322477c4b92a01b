// Both ends of the protocol together, over loopback sockets.

#include <gtest/gtest.h>

#include "common/files.h"
#include "common/rng.h"
#include "common/wire/keys.h"
#include "tests/support/png_texts.h"
#include "tests/unit/link/farm.h"
#include "worker/engine/picture/finish.h"

namespace pirouette::test {
namespace {

using namespace std::chrono_literals;

TEST(Loopback, JobsAreRenderedHandedInAndAcknowledged) {
  Coordinator coordinator;
  const Digest reference = coordinator.blobs().put(some_bytes(1000)).value();
  const auto picture = some_bytes(3000, 2);
  engine::NoopEngine engine(picture);
  Folder folder;
  Worker worker(coordinator, folder.path(), engine, "");
  for (std::uint64_t job = 1; job <= 20; ++job)
    coordinator.core.add_job(job, some_spec(reference, job));
  EXPECT_TRUE(coordinator.core.wait_until([](EchoCore& core) { return core.done.size() == 20; }));
  EXPECT_EQ(coordinator.blobs().read(sha256(picture)).value(), picture);
  EXPECT_TRUE(worker.drain().ok());
  EXPECT_TRUE(coordinator.core.wait_until(
      [](EchoCore& core) { return core.all<core::WorkerSaidGoodbye>().size() == 1; }));
}

TEST(Loopback, TwoMegabytesTravelEncryptedBothWays) {
  Coordinator coordinator(false);
  const auto reference = some_bytes(2'100'000, 3);
  const Digest digest = coordinator.blobs().put(reference).value();
  const auto picture = some_bytes(2'000'000, 4);
  engine::NoopEngine engine(picture);
  Folder folder;
  Worker worker(coordinator, folder.path(), engine, coordinator.worker_key());
  coordinator.core.add_job(1, some_spec(digest));
  EXPECT_TRUE(coordinator.core.wait_until([](EchoCore& core) { return core.done.size() == 1; }));
  EXPECT_EQ(coordinator.blobs().read(sha256(picture)).value(), picture);
  EXPECT_GE(coordinator.dispatch().counts().blob_bytes_sent, reference.size());
}

// Ends as the real engine does. Black for seed 1, as of a model that broke; noise for others.
class SometimesBlackEngine : public engine::NoopEngine {
 public:
  SometimesBlackEngine() : NoopEngine({}) {}
  engine::RenderOutcome render(const RenderSpec& spec, const std::vector<std::uint8_t>&,
                               const engine::ProgressFn&) override {
    Image image{64, 96, 3, std::vector<std::uint8_t>(64 * 96 * 3)};
    Rng rng(spec.seed);
    for (auto& value : image.pixels) {
      value = spec.seed == 1 ? std::uint8_t{0} : static_cast<std::uint8_t>(rng.next());
    }
    return engine::finish_picture(spec, image, {{}, device(), "float32", build(), {}});
  }
};

TEST(Loopback, ABlackPictureIsAFailedAttemptAndTheNextOneIsTaken) {
  Coordinator coordinator;
  const Digest reference = coordinator.blobs().put(some_bytes(1000)).value();
  SometimesBlackEngine engine;
  Folder folder;
  Worker worker(coordinator, folder.path(), engine, "");
  coordinator.core.add_job(1, some_spec(reference, 1));
  std::vector<core::LeaseFailed> failed;
  ASSERT_TRUE(coordinator.core.wait_until([&](EchoCore& core) {
    failed = core.all<core::LeaseFailed>();
    return !failed.empty();
  }));
  EXPECT_EQ(failed[0].failure, core::FailureClass::retryable);
  EXPECT_TRUE(failed[0].message.starts_with("the picture is flat: every pixel is within 2/255 of "))
      << failed[0].message;

  coordinator.core.add_job(1, some_spec(reference, 2));
  std::vector<core::LeaseFinished> finished;
  ASSERT_TRUE(coordinator.core.wait_until([&](EchoCore& core) {
    finished = core.all<core::LeaseFinished>();
    return core.done.contains(1);
  }));
  for (const core::LeaseFinished& one : finished) EXPECT_EQ(one.lease.value, 2u);
  const auto picture = coordinator.blobs().read(finished[0].result).value();
  EXPECT_TRUE(testing::png_texts(picture).at("parameters").value.starts_with("a knight, front"));
}

TEST(Loopback, ADamagedReferenceCostsOneAttemptAndIsFetchedAgain) {
  Coordinator coordinator;
  const Digest reference = coordinator.blobs().put(some_bytes(1000)).value();
  const Digest other = coordinator.blobs().put(some_bytes(1000, 2)).value();
  engine::NoopEngine engine(some_bytes(3000, 3));
  Folder folder;
  Worker worker(coordinator, folder.path(), engine, "");
  coordinator.core.add_job(1, some_spec(reference));
  ASSERT_TRUE(coordinator.core.wait_until([](EchoCore& core) { return core.done.contains(1); }));
  coordinator.core.add_job(2, some_spec(other));  // the renderer keeps the bytes of the last one
  ASSERT_TRUE(coordinator.core.wait_until([](EchoCore& core) { return core.done.contains(2); }));

  const fs::path cached = Blobs::open(folder.path() / "references").value().path(reference);
  ASSERT_TRUE(write_file_durably(cached, std::string(1000, 'x')).ok());
  coordinator.core.add_job(3, some_spec(reference));
  ASSERT_TRUE(coordinator.core.wait_until(
      [](EchoCore& core) { return core.all<core::LeaseFailed>().size() == 1; }));
  coordinator.core.add_job(3, some_spec(reference));
  EXPECT_TRUE(coordinator.core.wait_until([](EchoCore& core) { return core.done.contains(3); }));
}

TEST(Loopback, AnUnknownKeyIsTurnedAwayUntilItIsAuthorized) {
  Coordinator coordinator(false);
  const wire::KeyPair stranger = wire::make_key_pair();
  const auto known = wire::read_worker_keys(coordinator.worker_key()).value();
  Folder folder;
  const fs::path key_file = folder.path() / "stranger.key";
  ASSERT_TRUE(write_file_durably(key_file, "coordinator-public " + known.coordinator_public +
                                               "\nworker-public " + stranger.public_key +
                                               "\nworker-secret " + stranger.secret_key + "\n")
                  .ok());
  engine::NoopEngine engine(some_bytes(10));
  Worker worker(coordinator, folder.path() / "w", engine, key_file);
  EXPECT_FALSE(coordinator.core.wait_until(
      [](EchoCore& core) { return !core.all<core::WorkerSaidHello>().empty(); }, 400ms));
  EXPECT_GE(coordinator.dispatch().counts().keys_refused, 1u);

  const fs::path authorized = coordinator.config().keys / "authorized_workers";
  ASSERT_TRUE(write_file_durably(authorized, stranger.public_key + "\n").ok());
  EXPECT_TRUE(coordinator.core.wait_until(
      [](EchoCore& core) { return !core.all<core::WorkerSaidHello>().empty(); }));
}

TEST(Loopback, AKeyTakenAwayEndsItsWorker) {
  Coordinator coordinator(false);
  engine::NoopEngine engine(some_bytes(10));
  Folder folder;
  Worker worker(coordinator, folder.path(), engine, coordinator.worker_key());
  ASSERT_TRUE(coordinator.core.wait_until(
      [](EchoCore& core) { return !core.all<core::WorkerWasHeard>().empty(); }));
  ASSERT_TRUE(
      write_file_durably(coordinator.config().keys / "authorized_workers", "# nobody\n").ok());
  const auto outcome = worker.join();
  ASSERT_FALSE(outcome.ok());
  EXPECT_NE(outcome.error().what.find("no longer in authorized_workers"), std::string::npos);
}

TEST(Loopback, AResultOutlivesARestartOfTheCoordinator) {
  Coordinator coordinator;
  const Digest reference = coordinator.blobs().put(some_bytes(1000)).value();
  engine::NoopEngine engine(some_bytes(3000, 2), 100ms);
  Folder folder;
  Worker worker(coordinator, folder.path(), engine, "");
  coordinator.core.add_job(1, some_spec(reference));
  ASSERT_TRUE(coordinator.core.wait_until(
      [](EchoCore& core) { return !core.all<core::LeaseProgressed>().empty(); }));
  coordinator.stop();
  std::this_thread::sleep_for(200ms);  // it finishes meanwhile
  coordinator.start();
  ASSERT_TRUE(coordinator.core.wait_until([](EchoCore& core) { return core.done.contains(1); }));
}

TEST(Loopback, AResultOutlivesARestartOfTheWorker) {
  Coordinator coordinator;
  coordinator.core.acknowledges = false;
  const Digest reference = coordinator.blobs().put(some_bytes(1000)).value();
  engine::NoopEngine engine(some_bytes(3000, 2));
  Folder folder;
  {
    Worker worker(coordinator, folder.path(), engine, "");
    coordinator.core.add_job(1, some_spec(reference));
    ASSERT_TRUE(coordinator.core.wait_until(
        [](EchoCore& core) { return !core.all<core::LeaseFinished>().empty(); }));
    EXPECT_TRUE(worker.stop().ok());
  }
  coordinator.core.acknowledges = true;
  Worker again(coordinator, folder.path(), engine, "");
  EXPECT_TRUE(coordinator.core.wait_until([](EchoCore& core) { return core.done.contains(1); }));
}

TEST(Loopback, AWorkerAskedForItsHelloSaysItAgain) {
  Coordinator coordinator;
  engine::NoopEngine engine(some_bytes(10));
  Folder folder;
  Worker worker(coordinator, folder.path(), engine, "");
  ASSERT_TRUE(coordinator.core.wait_until(
      [](EchoCore& core) { return core.all<core::WorkerWasHeard>().size() >= 3; }));
  EXPECT_EQ(coordinator.core.all<core::WorkerWasHeard>().back().capacity,
            coordinator.core.all<core::WorkerSaidHello>().back().capacity);
  coordinator.core.send(core::SendHelloWanted{coordinator.core.newest_link});
  EXPECT_TRUE(coordinator.core.wait_until(
      [](EchoCore& core) { return core.all<core::WorkerSaidHello>().size() == 2; }));
}

TEST(Loopback, ANewerProcessOfTheSameNameWins) {
  Coordinator coordinator;
  engine::NoopEngine engine(some_bytes(10));
  Folder one, two;
  Worker older(coordinator, one.path(), engine, "");
  ASSERT_TRUE(coordinator.core.wait_until(
      [](EchoCore& core) { return core.all<core::WorkerSaidHello>().size() == 1; }));
  Worker newer(coordinator, two.path(), engine, "");
  const auto outcome = older.join();
  ASSERT_FALSE(outcome.ok());
  EXPECT_NE(outcome.error().what.find("a name of its own"), std::string::npos);
}

TEST(Loopback, ACancelledRenderStops) {
  Coordinator coordinator;
  const Digest reference = coordinator.blobs().put(some_bytes(1000)).value();
  engine::NoopEngine engine(some_bytes(3000, 2), 2s);
  Folder folder;
  Worker worker(coordinator, folder.path(), engine, "", 0);
  coordinator.core.add_job(1, some_spec(reference));
  ASSERT_TRUE(coordinator.core.wait_until(
      [](EchoCore& core) { return !core.all<core::LeaseProgressed>().empty(); }));
  coordinator.core.send(core::SendCancel{coordinator.core.newest_link, {1}});
  EXPECT_TRUE(worker.drain().ok());  // does not wait for a result
  EXPECT_FALSE(coordinator.core.wait_until(
      [](EchoCore& core) { return !core.all<core::LeaseFinished>().empty(); }, 50ms));
}

TEST(Loopback, TwoWorkersCannotShareAFolder) {
  Coordinator coordinator;
  engine::NoopEngine engine(some_bytes(10));
  Folder folder;
  Worker first(coordinator, folder.path(), engine, "");
  ASSERT_TRUE(coordinator.core.wait_until(
      [](EchoCore& core) { return core.all<core::WorkerSaidHello>().size() == 1; }));
  Worker second(coordinator, folder.path(), engine, "", 1, "bert");
  const auto outcome = second.join();
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, Errc::conflict);
}

}  // namespace
}  // namespace pirouette::test
