// Deadlines as people say them, in a zone that changes its clocks.

#include "coordinator/ctl/deadline.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "common/job/recipe.h"

namespace pirouette::ctl {
namespace {

class Deadline : public testing::Test {
 protected:
  void SetUp() override {
    const char* const zone = std::getenv("TZ");
    before_ = zone ? zone : "";
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");  // Berlin, without the zone's file
  }
  void TearDown() override { set_zone(before_.c_str()); }

  static void set_zone(const char* zone) {
    *zone ? ::setenv("TZ", zone, 1) : ::unsetenv("TZ");
    ::tzset();
  }
  static std::string read(std::string_view text, std::string_view now = "2026-02-28T16:30:00Z") {
    const auto deadline = parse_deadline(text, parse_rfc3339(now).value());
    return deadline.ok() ? to_rfc3339(deadline.value()) : deadline.error().what;
  }

  std::string before_;
};

TEST_F(Deadline, IsReadAsPeopleSayIt) {
  EXPECT_EQ(read("2026-03-01T09:00:00+05:00"), "2026-03-01T04:00:00.000Z");
  EXPECT_EQ(read("09:00"), "2026-03-01T08:00:00.000Z") << "09:00 of today is past";
  EXPECT_EQ(read("18:00"), "2026-02-28T17:00:00.000Z") << "18:00 of today is not";
  EXPECT_EQ(read("9:00"), "2026-03-01T08:00:00.000Z");
  EXPECT_EQ(read(" tomorrow 09:00 "), "2026-03-01T08:00:00.000Z");
  EXPECT_EQ(read("today 23:59:30"), "2026-02-28T22:59:30.000Z");
  EXPECT_EQ(read("2026-07-01 09:00"), "2026-07-01T07:00:00.000Z") << "in summer";
  EXPECT_EQ(read("2026-03-01T09:00"), "2026-03-01T08:00:00.000Z");
}

TEST_F(Deadline, DaysWithAChangeOfTheClockAreDays) {
  // Clocks go from 02:00 to 03:00 on 2026-03-29.
  EXPECT_EQ(read("09:00", "2026-03-28T16:00:00Z"), "2026-03-29T07:00:00.000Z");
  EXPECT_EQ(read("tomorrow 09:00", "2026-03-28T22:30:00Z"), "2026-03-29T07:00:00.000Z");
  EXPECT_NE(read("2026-03-29 02:30").find("clocks are put forward"), std::string::npos);
}

TEST_F(Deadline, WhatIsNoTimeOrPastIsRefused) {
  for (const char* text :
       {"", "soon", "9", "9am", "24:00", "09:60", "09:00x", "tomorrow", "2026-03-01",
        "2026-3-1 09:00", "yesterday 09:00", "tomorrow tomorrow"}) {
    EXPECT_NE(read(text).find("is no time; write 09:00"), std::string::npos)
        << text << ": " << read(text);
  }
  EXPECT_NE(read("2026-02-30 09:00").find("does not exist"), std::string::npos);
  EXPECT_NE(read("today 09:00").find("is past: it was 2026-02-28T08:00:00.000Z"),
            std::string::npos);
  EXPECT_NE(read("2020-01-01T00:00:00Z").find("is past"), std::string::npos);
}

TEST_F(Deadline, IsSaidInBothTimes) {
  EXPECT_EQ(describe_deadline(parse_rfc3339("2026-03-01T08:00:00Z").value(),
                              parse_rfc3339("2026-02-28T22:48:00Z").value()),
            "2026-03-01 09:00 CET (2026-03-01T08:00:00.000Z), in 9 h 12 min");
}

}  // namespace
}  // namespace pirouette::ctl
