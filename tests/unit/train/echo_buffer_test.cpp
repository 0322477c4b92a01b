// Examples that are learnt from several times: the new ones are in their batch, each comes back
// about as often as asked, old ones go, and what is in a batch depends on its number alone.

#include "worker/train/echo_buffer.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/golden/golden.h"

namespace pirouette::train {
namespace {

using flux::golden::get;

constexpr EchoOptions kOptions{7, /*batch=*/8, /*fresh=*/2, /*window=*/32};

// Examples whose latents and prompt are their index; counts who asked.
struct Encoder {
  std::vector<std::uint64_t> asked;

  Result<EncodedBatch> operator()(std::uint64_t number) {
    asked.push_back(number);
    EncodedBatch batch;
    std::vector<float> indices;
    for (std::uint64_t i = 0; i < kOptions.fresh; ++i) {
      const std::uint64_t index = number * kOptions.fresh + i;
      indices.push_back(static_cast<float>(index));
      batch.prompts.push_back(std::to_string(index));
    }
    batch.targets = at::tensor(indices).view({-1, 1, 1, 1}).expand({-1, 4, 2, 3}).contiguous();
    batch.references = -batch.targets;
    batch.masks = batch.targets.slice(1, 0, 1) * 2;
    return batch;
  }
};

std::vector<std::uint64_t> indices_of(const EncodedBatch& batch) {
  std::vector<std::uint64_t> indices;
  for (std::size_t i = 0; i < batch.prompts.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    const std::uint64_t index = std::stoull(batch.prompts[i]);
    EXPECT_EQ(batch.targets.select(0, row).min().item<float>(), static_cast<float>(index));
    EXPECT_EQ(batch.targets.select(0, row).max().item<float>(), static_cast<float>(index));
    EXPECT_EQ(batch.references.select(0, row).max().item<float>(), -static_cast<float>(index));
    EXPECT_EQ(batch.masks.select(0, row).max().item<float>(), 2 * static_cast<float>(index));
    indices.push_back(index);
  }
  return indices;
}

TEST(EchoBuffer, NewOnesComeFirstAndTheOthersFromTheWindow) {
  EchoBuffer buffer(kOptions);
  Encoder encoder;
  std::map<std::uint64_t, int> seen;
  constexpr std::uint64_t kBatches = 400;
  for (std::uint64_t number = 0; number < kBatches; ++number) {
    const EncodedBatch batch = get(buffer.take(number, std::ref(encoder)));
    EXPECT_EQ(batch.targets.sizes(), (std::vector<std::int64_t>{8, 4, 2, 3}));
    const auto indices = indices_of(batch);
    ASSERT_EQ(indices.size(), kOptions.batch);
    EXPECT_EQ(indices[0], number * 2);
    EXPECT_EQ(indices[1], number * 2 + 1);
    for (const std::uint64_t index : indices) {
      EXPECT_LE(index, number * 2 + 1);
      EXPECT_GT(index + kOptions.window, number * 2 + 1);
      ++seen[index];
    }
  }
  EXPECT_EQ(encoder.asked.size(), kBatches);
  EXPECT_EQ(seen.size(), kBatches * kOptions.fresh);
  // Those in the middle had their whole time: batch / fresh uses on average.
  double uses = 0;
  for (std::uint64_t index = 100; index < 700; ++index) uses += seen.at(index);
  EXPECT_NEAR(uses / 600, 4, 0.2);
}

TEST(EchoBuffer, GoingOnInTheMiddleGivesTheSameBatch) {
  EchoBuffer whole(kOptions);
  Encoder all;
  for (const std::uint64_t from : {3u, 90u}) {
    EchoBuffer later(kOptions);
    Encoder encoder;
    for (std::uint64_t number = from; number < from + 3; ++number)
      EXPECT_EQ(indices_of(get(later.take(number, std::ref(encoder)))),
                indices_of(get(whole.take(number, std::ref(all)))));
    EXPECT_EQ(encoder.asked.size(), std::min<std::size_t>(from + 1, 16) + 2);
    EXPECT_EQ(encoder.asked.back(), from + 2);
  }
}

TEST(EchoBuffer, AnErrorIsTheExamplesAndNothingIsSkipped) {
  EchoBuffer buffer(kOptions);
  Encoder encoder;
  const auto broken = [](std::uint64_t) -> Result<EncodedBatch> {
    return Error{Errc::corrupt, "the picture is broken"};
  };
  get(buffer.take(0, std::ref(encoder)));
  EXPECT_EQ(buffer.take(1, broken).error().what, "the picture is broken");
  EXPECT_EQ(indices_of(get(buffer.take(1, std::ref(encoder))))[0], 2u);
  EXPECT_EQ(encoder.asked, (std::vector<std::uint64_t>{0, 1}));
}

}  // namespace
}  // namespace pirouette::train
