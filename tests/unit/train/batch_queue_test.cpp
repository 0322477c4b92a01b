// Batches that are drawn ahead: the same as drawn at once, in order, however many threads; errors
// come where they belong, and nothing hangs when nobody takes any more.

#include "worker/train/batch_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "tests/unit/train/training_fixture.h"

namespace pirouette::train {
namespace {

constexpr std::uint64_t kBatch = 3;

// An example that shows its index and one chance; one of them may be broken.
class Numbers : public Dataset {
 public:
  explicit Numbers(std::uint64_t broken = ~0ull, bool throws = false)
      : broken_(broken), throws_(throws) {}

  Result<Example> at(std::uint64_t index, Rng& rng) const override {
    ++drawn_;
    if (index % 5 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (index >= broken_) {
      if (throws_) throw std::runtime_error("out of ink");
      return Error{Errc::corrupt, "example " + std::to_string(index) + " is broken"};
    }
    Image image{16, 16, 3,
                std::vector<std::uint8_t>(16 * 16 * 3, static_cast<std::uint8_t>(index))};
    Image target = image;
    target.pixels[0] = static_cast<std::uint8_t>(rng.next());
    return Example{std::move(image), std::move(target), std::to_string(index)};
  }
  std::vector<std::string> prompts() const override { return {}; }

  std::uint64_t drawn() const { return drawn_; }

 private:
  std::uint64_t broken_;
  bool throws_;
  mutable std::atomic<std::uint64_t> drawn_ = 0;
};

BatchQueueOptions with_threads(int threads) { return {7, kBatch, {16, 16}, threads, false}; }

void expect_equal(const Batch& a, const Batch& b) {
  EXPECT_TRUE(at::equal(a.references, b.references));
  EXPECT_TRUE(at::equal(a.targets, b.targets));
  EXPECT_EQ(a.prompts, b.prompts);
}

TEST(BatchQueue, GivesTheSameBatchesInOrderWithAnyNumberOfThreads) {
  const Numbers numbers;
  BatchQueue none(numbers, with_threads(0)), one(numbers, with_threads(1)),
      many(numbers, with_threads(7));
  for (std::uint64_t number = 0; number < 20; ++number) {
    const Batch plain = get(none.take(number));
    EXPECT_EQ(plain.prompts.front(), std::to_string(number * kBatch));
    expect_equal(plain, get(one.take(number)));
    expect_equal(plain, get(many.take(number)));
  }
}

TEST(BatchQueue, BeginsAnewWhereItIsAsked) {
  const Numbers numbers;
  BatchQueue queue(numbers, with_threads(3)), none(numbers, with_threads(0));
  for (const std::uint64_t number : {40u, 41u, 0u, 0u, 1u, 7u, 8u})
    expect_equal(get(queue.take(number)), get(none.take(number)));
}

TEST(BatchQueue, DrawsABoundedNumberAhead) {
  const Numbers numbers;
  BatchQueue queue(numbers, with_threads(2));
  (void)get(queue.take(0));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_GT(numbers.drawn(), kBatch);
  EXPECT_LE(numbers.drawn(), 5 * kBatch);
}

TEST(BatchQueue, ErrorsComeWithTheirBatch) {
  for (const bool throws : {false, true}) {
    const Numbers numbers(7, throws);  // in batch 2
    BatchQueue queue(numbers, with_threads(4));
    EXPECT_TRUE(queue.take(0).ok());
    EXPECT_TRUE(queue.take(1).ok());
    const auto failed = queue.take(2);
    ASSERT_FALSE(failed.ok());
    EXPECT_NE(failed.error().what.find("example 7"), std::string::npos) << failed.error().what;
  }
}

TEST(BatchQueue, GoesAwayWhileItDraws) {
  const Numbers numbers;
  for (int round = 0; round < 20; ++round) {
    BatchQueue queue(numbers, with_threads(4));
    if (round % 2 == 0) (void)get(queue.take(0));
  }
}

}  // namespace
}  // namespace pirouette::train
