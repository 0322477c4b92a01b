#include "worker/flux/storage/small_floats.h"

#include <gtest/gtest.h>

namespace pirouette::flux {
namespace {

// The table of "FP8 Formats for Deep Learning", and ml_dtypes' finfo.
TEST(SmallFloats, Float8E4m3HasTheNumbersOfItsSpecification) {
  const auto values = float8_values(Dtype::f8_e4m3);
  EXPECT_EQ(values[0x00], 0.0f);
  EXPECT_TRUE(std::signbit(values[0x80]));
  EXPECT_EQ(values[0x01], std::ldexp(1.0f, -9));    // smallest subnormal
  EXPECT_EQ(values[0x07], std::ldexp(0.875f, -6));  // largest subnormal
  EXPECT_EQ(values[0x08], std::ldexp(1.0f, -6));    // smallest normal
  EXPECT_EQ(values[0x38], 1.0f);
  EXPECT_EQ(values[0xB9], -1.125f);
  EXPECT_EQ(values[0x7E], 448.0f);  // largest
  EXPECT_EQ(values[0xFE], -448.0f);
  EXPECT_TRUE(std::isnan(values[0x7F]) && std::isnan(values[0xFF]));
}

TEST(SmallFloats, Float8E5m2HasTheNumbersOfItsSpecification) {
  const auto values = float8_values(Dtype::f8_e5m2);
  EXPECT_EQ(values[0x00], 0.0f);
  EXPECT_EQ(values[0x01], std::ldexp(1.0f, -16));  // smallest subnormal
  EXPECT_EQ(values[0x04], std::ldexp(1.0f, -14));  // smallest normal
  EXPECT_EQ(values[0x3C], 1.0f);
  EXPECT_EQ(values[0x7B], 57344.0f);  // largest
  EXPECT_EQ(values[0xFB], -57344.0f);
  EXPECT_TRUE(std::isinf(values[0x7C]) && std::isinf(values[0xFC]));
  EXPECT_TRUE(std::isnan(values[0x7D]) && std::isnan(values[0xFF]));
}

TEST(SmallFloats, HalvesAreExact) {
  EXPECT_EQ(half_to_float(0x3C00), 1.0f);
  EXPECT_EQ(half_to_float(0xC000), -2.0f);
  EXPECT_EQ(half_to_float(0x7BFF), 65504.0f);
  EXPECT_EQ(half_to_float(0x0001), std::ldexp(1.0f, -24));
  EXPECT_EQ(half_to_float(0x03FF), std::ldexp(1023.0f, -24));
  EXPECT_TRUE(std::signbit(half_to_float(0x8000)));
  EXPECT_TRUE(std::isinf(half_to_float(0x7C00)));
  EXPECT_TRUE(std::isnan(half_to_float(0x7E00)));
}

}  // namespace
}  // namespace pirouette::flux
