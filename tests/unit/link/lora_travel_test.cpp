// LoRAs on their way from the coordinator's blobs to the engine, over loopback sockets.

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/link/farm.h"

namespace pirouette::test {
namespace {

using namespace std::chrono_literals;

// Renders only with every LoRA whole in the folder, and remembers that it was.
class LoraReadingEngine : public engine::NoopEngine {
 public:
  LoraReadingEngine(fs::path loras, std::chrono::microseconds latency = 0us)
      : NoopEngine(some_bytes(100, 9), latency), loras_(std::move(loras)) {}

  engine::RenderOutcome render(const RenderSpec& spec, const std::vector<std::uint8_t>& reference,
                               const engine::ProgressFn& progress) override {
    for (const RecipeLora& lora : spec.loras) {
      if (!lora.sha256) continue;
      std::ifstream in(Blobs::path_in(loras_, lora.sha256), std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
      if (sha256(std::string_view(bytes.data(), bytes.size())) != lora.sha256) ++missed;
    }
    return NoopEngine::render(spec, reference, progress);
  }
  std::atomic<int> missed{0};

 private:
  const fs::path loras_;
};

class LoraTravel : public testing::Test {
 protected:
  RecipeLora lora(std::size_t size, std::uint32_t seed) {
    const auto bytes = some_bytes(size, seed);
    return {"lora" + std::to_string(seed), 1, "", coordinator_.blobs().put(bytes).value(), size};
  }
  RenderSpec spec_with(const std::vector<RecipeLora>& loras, std::uint64_t seed = 1) {
    RenderSpec spec = some_spec(reference_, seed);
    spec.loras = loras;
    return spec;
  }
  bool done(std::size_t jobs) {
    return coordinator_.core.wait_until([&](EchoCore& core) { return core.done.size() == jobs; },
                                        5s);
  }
  std::string failure() {
    std::string message;
    coordinator_.core.wait_until(
        [&](EchoCore& core) {
          const auto failed = core.all<core::LeaseFailed>();
          if (!failed.empty()) message = failed.front().message;
          return !failed.empty();
        },
        5s);
    return message;
  }
  fs::path loras() const { return folder_.path() / "loras"; }

  Coordinator coordinator_;
  const Digest reference_ = coordinator_.blobs().put(some_bytes(1000)).value();
  Folder folder_;
};

TEST_F(LoraTravel, SeveralJobsFetchTheirLorasOnce) {
  LoraReadingEngine engine(loras());
  Worker worker(coordinator_, folder_.path(), engine, "", 3);
  const std::vector<RecipeLora> both = {lora(700'000, 1), lora(300'000, 2)};
  for (std::uint64_t job = 1; job <= 12; ++job) {
    coordinator_.core.add_job(job, spec_with(both, job));
  }
  EXPECT_TRUE(done(12));
  EXPECT_EQ(engine.missed, 0);
  const auto sent = coordinator_.dispatch().counts().blob_bytes_sent;
  EXPECT_GE(sent, 1'001'000u);
  EXPECT_LT(sent, 1'010'000u) << "nothing is sent twice";
}

TEST_F(LoraTravel, TheHelloSaysHowMuchRoomThereIs) {
  LoraReadingEngine engine(loras());
  Worker worker(coordinator_, folder_.path(), engine, "", 1, "anna", 123'456);
  EXPECT_TRUE(coordinator_.core.wait_until([](EchoCore& core) {
    const auto hellos = core.all<core::WorkerSaidHello>();
    return !hellos.empty() && hellos.front().lora_cache_bytes == 123'456;
  }));
}

TEST_F(LoraTravel, ACacheForOneTakesTurns) {
  LoraReadingEngine engine(loras(), 20ms);
  Worker worker(coordinator_, folder_.path(), engine, "", 3, "anna", 250'000);
  const RecipeLora first = lora(200'000, 1), second = lora(200'000, 2);
  for (std::uint64_t job = 1; job <= 8; ++job) {
    coordinator_.core.add_job(job, spec_with({job % 2 == 0 ? first : second}, job));
  }
  EXPECT_TRUE(done(8));
  EXPECT_EQ(engine.missed, 0);
  std::uint64_t held = 0;
  for (const auto& file : fs::recursive_directory_iterator(loras())) {
    if (file.is_regular_file()) held += file.file_size();
  }
  EXPECT_LE(held, 250'000u);
}

TEST_F(LoraTravel, WhatFitsInNoCacheFailsWithWords) {
  LoraReadingEngine engine(loras());
  Worker worker(coordinator_, folder_.path(), engine, "", 1, "anna", 100);
  coordinator_.core.add_job(1, spec_with({lora(101, 1)}));
  EXPECT_EQ(failure(),
            "the job's LoRAs have 101 bytes, and this worker's cache holds 100; give it more with "
            "--lora-cache-size");
}

TEST_F(LoraTravel, DamagedBytesAreRefusedAndTheNextTryIsGood) {
  LoraReadingEngine engine(loras());
  const RecipeLora ink = lora(5000, 1);
  const fs::path blob = coordinator_.blobs().path(ink.sha256);
  const auto good = coordinator_.blobs().read(ink.sha256).value();
  std::ofstream(blob, std::ios::binary | std::ios::trunc) << std::string(5000, 'x');
  Worker worker(coordinator_, folder_.path(), engine, "");
  coordinator_.core.add_job(1, spec_with({ink}));
  const std::string why = failure();
  EXPECT_TRUE(
      why.starts_with("cannot fetch the LoRA lora1 from the coordinator: the bytes received"))
      << why;
  EXPECT_FALSE(fs::exists(Blobs::path_in(loras(), ink.sha256)));
  std::ofstream(blob, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(good.data()), static_cast<std::streamsize>(good.size()));
  coordinator_.core.free_one();
  coordinator_.core.add_job(2, spec_with({ink}));
  EXPECT_TRUE(done(1));
  EXPECT_EQ(engine.missed, 0);
}

TEST_F(LoraTravel, ALoraThatTheCoordinatorLacksIsARetryableFailure) {
  LoraReadingEngine engine(loras());
  Worker worker(coordinator_, folder_.path(), engine, "");
  coordinator_.core.add_job(1, spec_with({{"ink", 1, "", sha256("nowhere"), 10}}));
  EXPECT_TRUE(failure().starts_with("cannot fetch the LoRA ink from the coordinator: "));
  EXPECT_TRUE(coordinator_.core.wait_until([](EchoCore& core) {
    return core.all<core::LeaseFailed>().front().failure == core::FailureClass::retryable;
  }));
}

TEST_F(LoraTravel, AFetchThatWasCutOffGoesOnWhereItStopped) {
  LoraReadingEngine engine(loras());
  const RecipeLora large = lora(20'000'000, 1);
  const auto bytes = coordinator_.blobs().read(large.sha256).value();
  {
    Blobs cache = Blobs::open(loras()).value();
    auto file = cache.receive(large.sha256, large.bytes).value();
    ASSERT_TRUE(file.append(std::span(bytes).first(18'000'000)).ok());
  }
  Worker worker(coordinator_, folder_.path(), engine, "");
  coordinator_.core.add_job(1, spec_with({large}));
  EXPECT_TRUE(done(1));
  EXPECT_EQ(engine.missed, 0);
  // The first answer, of eight chunks, comes before the worker knows the size, and comes twice where
  // the connection is told of only after it was used.
  EXPECT_LT(coordinator_.dispatch().counts().blob_bytes_sent, 7'000'000u);
}

TEST_F(LoraTravel, TheCoordinatorRestartsMeanwhile) {
  LoraReadingEngine engine(loras());
  const RecipeLora large = lora(20'000'000, 1);
  Worker worker(coordinator_, folder_.path(), engine, "");
  coordinator_.core.add_job(1, spec_with({large}));
  ASSERT_TRUE(coordinator_.core.wait_until(
      [](EchoCore& core) { return !core.all<core::WorkerWasHeard>().empty(); }));
  coordinator_.stop();
  coordinator_.start();
  EXPECT_TRUE(
      coordinator_.core.wait_until([](EchoCore& core) { return core.done.contains(1); }, 10s));
  EXPECT_EQ(engine.missed, 0);
}

}  // namespace
}  // namespace pirouette::test
