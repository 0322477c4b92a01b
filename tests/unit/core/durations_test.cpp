#include "coordinator/core/durations.h"

#include <gtest/gtest.h>

namespace pirouette::core {
namespace {

Recipe recipe(int steps) {
  Recipe recipe;
  recipe.steps = steps;
  return recipe;
}

TEST(Durations, OfEachKindOnEachClassTheMeanTheSpreadAndTheEnds) {
  Durations durations;
  const KindId kind = durations.kind_of(recipe(24));
  const ClassId fast = durations.class_of("cuda", "H200"), slow = durations.class_of("cuda", "L4");
  EXPECT_FALSE(durations.find(kind, fast));
  for (const int took : {8, 10, 12}) durations.note(kind, fast, seconds(took));
  const auto measured = durations.find(kind, fast);
  ASSERT_TRUE(measured);
  EXPECT_EQ(measured->count, 3u);
  EXPECT_EQ(measured->mean, seconds(10));
  EXPECT_EQ(measured->fastest, seconds(8));
  EXPECT_EQ(measured->slowest, seconds(12));
  EXPECT_NEAR(static_cast<double>(measured->deviation.us), 1'632'000, 2'000);
  EXPECT_FALSE(durations.find(kind, slow));
}

TEST(Durations, AnotherModelSizeOrNumberOfStepsIsAnotherKind) {
  Durations durations;
  EXPECT_EQ(durations.kind_of(recipe(24)), durations.kind_of(recipe(24)));
  EXPECT_NE(durations.kind_of(recipe(24)), durations.kind_of(recipe(12)));
  Recipe wide = recipe(24);
  wide.width = 1664;
  EXPECT_NE(durations.kind_of(recipe(24)), durations.kind_of(wide));
}

TEST(Durations, WhatWasNeverMeasuredIsGuessedByItsWork) {
  Durations durations;
  const KindId whole = durations.kind_of(recipe(24)), half = durations.kind_of(recipe(12));
  const ClassId device = durations.class_of("cuda", "H200");
  EXPECT_FALSE(durations.guess(half, device));
  durations.note(whole, device, seconds(6));
  const auto guess = durations.guess(half, device);
  ASSERT_TRUE(guess);
  EXPECT_EQ(guess->count, 0u);
  EXPECT_EQ(guess->mean, seconds(3));
}

TEST(Durations, OnlyTheNewestCount) {
  Durations durations;
  const KindId kind = durations.kind_of(recipe(24));
  durations.note(kind, 1, seconds(1000));
  for (std::size_t i = 0; i < Durations::kKept; ++i) durations.note(kind, 1, seconds(5));
  EXPECT_EQ(durations.find(kind, 1)->mean, seconds(5));
  EXPECT_EQ(durations.find(kind, 1)->slowest, seconds(5));
}

TEST(Durations, TheSlowClassIsKnownByItsWork) {
  Durations durations;
  const ClassId fast = durations.class_of("cuda", "H200"), slow = durations.class_of("cuda", "L4");
  EXPECT_EQ(durations.slowness(fast), 0);
  durations.note(durations.kind_of(recipe(24)), fast, seconds(6));
  durations.note(durations.kind_of(recipe(12)), slow, seconds(6));
  EXPECT_LT(durations.slowness(fast), durations.slowness(slow));
}

}  // namespace
}  // namespace pirouette::core
