// What the farm says of when it will be ready holds as often as it claims.

#include "coordinator/core/forecast.h"

#include <gtest/gtest.h>

#include "tests/support/forecast_nights.h"

namespace pirouette::core {
namespace {

TEST(Forecast, P90HoldsInAboutNineNightsOfTenAndP50InAboutHalf) {
  const ForecastRecord record = keep_forecasts(50, 300);
  ASSERT_EQ(record.told, 50u);
  EXPECT_GE(record.by_p90 * 100, record.told * 85) << record.by_p90;
  EXPECT_LE(record.by_p90 * 100, record.told * 95) << record.by_p90;
  EXPECT_GE(record.by_p50 * 100, record.told * 30) << record.by_p50;
  EXPECT_LE(record.by_p50 * 100, record.told * 65) << record.by_p50;
}

}  // namespace
}  // namespace pirouette::core
