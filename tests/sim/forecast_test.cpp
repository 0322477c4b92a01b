// What the farm says of when it will be ready holds as often as it claims; and saying it costs the
// loop little, however much waits.

#include "coordinator/core/forecast.h"

#include <gtest/gtest.h>

#include "tests/support/forecast_nights.h"

namespace pirouette::core {
namespace {

TEST(Forecast, P90HoldsInAboutNineNightsOfTenAndP50InAboutHalf) {
  const ForecastRecord record = keep_forecasts(60, 600);
  ASSERT_EQ(record.told, 60u);
  EXPECT_GE(record.by_p90 * 100, record.told * 85) << record.by_p90;
  EXPECT_LE(record.by_p90 * 100, record.told * 95) << record.by_p90;
  EXPECT_GE(record.by_p50 * 100, record.told * 35) << record.by_p50;
  EXPECT_LE(record.by_p50 * 100, record.told * 75) << record.by_p50;
}

}  // namespace
}  // namespace pirouette::core
