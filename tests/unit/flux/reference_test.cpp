#include "worker/flux/reference.h"

#include <gtest/gtest.h>

namespace pirouette::flux {
namespace {

Size chosen(const char* wanted, Size picture) {
  return choose_size(parse_reference_size(wanted).value(), picture).value();
}

TEST(ReferenceSize, AutoTakesTheNearestPreset) {
  EXPECT_EQ(chosen("auto", {600, 900}), (Size{832, 1248}));
}

TEST(ReferenceSize, KeepCutsSidesDownToWholeTokens) {
  EXPECT_EQ(chosen("keep", {207, 288}), (Size{192, 288}));
}

TEST(ReferenceSize, ExactIsWhatItSays) { EXPECT_EQ(chosen("64x96", {1, 1}), (Size{64, 96})); }

TEST(ReferenceSize, WhatMakesNoSenseIsRefused) {
  for (const char* text : {"", "big", "64", "64x", "x64", "64x96x", "64x90", "-64x96", "8192x64"})
    EXPECT_FALSE(parse_reference_size(text).ok()) << text;
}

TEST(ReferenceSize, ReferencesTooSmallOrTooLargeAreRefused) {
  const auto small = choose_size({ReferenceSize::Kind::preferred, {}}, {15, 900});
  EXPECT_EQ(small.error().what, "the reference is 15x900 pixels; each side needs at least 16");
  EXPECT_FALSE(choose_size({ReferenceSize::Kind::keep, {}}, {5000, 100}).ok());
}

}  // namespace
}  // namespace pirouette::flux
