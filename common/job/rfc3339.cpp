// RFC 3339 timestamps, read strictly and written in UTC. Years 0000 to 9999, the Gregorian calendar
// extended backwards, as the RFC has it. A leap second (:60) is the second after :59.

#include <array>
#include <chrono>
#include <cstdio>

#include "common/job/fields.h"
#include "common/job/recipe.h"

namespace pirouette {
namespace {

namespace calendar = std::chrono;

constexpr std::int64_t kUsPerSecond = 1'000'000;
constexpr std::int64_t kUsPerDay = 86'400 * kUsPerSecond;

// Takes fields from the front of a text; after the first mismatch ok is false and stays so.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  int digits(int count) {
    int value = 0;
    for (int i = 0; i < count; ++i) {
      ok = ok && !text_.empty() && text_[0] >= '0' && text_[0] <= '9';
      if (!ok) return 0;
      value = value * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
    }
    return value;
  }

  // Any one of these characters; 0 if none is next.
  char one_of(std::string_view characters) {
    if (!ok || text_.empty() || characters.find(text_[0]) == characters.npos) return 0;
    const char c = text_[0];
    text_.remove_prefix(1);
    return c;
  }

  void expect(std::string_view characters) { ok = one_of(characters) != 0 && ok; }

  // ".25" as microseconds; digits beyond the sixth are dropped.
  std::int64_t fraction_us() {
    if (one_of(".") == 0) return 0;
    std::int64_t us = 0, digit_worth = kUsPerSecond / 10;
    int count = 0;
    for (; !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; ++count) {
      us += digit_worth * (text_[0] - '0');
      digit_worth /= 10;
      text_.remove_prefix(1);
    }
    ok = ok && count > 0;
    return us;
  }

  std::int64_t offset_seconds() {
    if (one_of("Zz") != 0) return 0;
    const char sign = one_of("+-");
    const int hours = digits(2);
    expect(":");
    const int minutes = digits(2);
    ok = ok && sign != 0 && hours < 24 && minutes < 60;
    const std::int64_t seconds = hours * 3600 + minutes * 60;
    return sign == '-' ? -seconds : seconds;
  }

  bool at_end() const { return text_.empty(); }
  bool ok = true;

 private:
  std::string_view text_;
};

}  // namespace

Result<Instant> parse_rfc3339(std::string_view text) {
  Reader in(text);
  const int year = in.digits(4);
  in.expect("-");
  const int month = in.digits(2);
  in.expect("-");
  const int day = in.digits(2);
  in.expect("Tt");
  const int hour = in.digits(2);
  in.expect(":");
  const int minute = in.digits(2);
  in.expect(":");
  const int second = in.digits(2);
  const std::int64_t fraction_us = in.fraction_us();
  const std::int64_t offset_seconds = in.offset_seconds();

  const calendar::year_month_day date{calendar::year(year),
                                      calendar::month(static_cast<unsigned>(month)),
                                      calendar::day(static_cast<unsigned>(day))};
  if (!in.ok || !in.at_end() || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    return Error{Errc::invalid, job::in_quotes(text) +
                                    " is not an RFC 3339 time such as 2026-03-01T09:00:00Z or "
                                    "2026-03-01T09:00:00+01:00"};
  }
  const std::int64_t days = calendar::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = hour * 3600 + minute * 60 + second - offset_seconds;
  return Instant{days * kUsPerDay + seconds * kUsPerSecond + fraction_us};
}

std::string to_rfc3339(Instant instant) {
  // Rounded down, also before 1970.
  const std::int64_t day_number = instant.us / kUsPerDay - (instant.us % kUsPerDay < 0 ? 1 : 0);
  const std::int64_t us = instant.us - day_number * kUsPerDay;
  const calendar::year_month_day date{
      calendar::sys_days(calendar::days(static_cast<int>(day_number)))};
  const auto seconds = static_cast<int>(us / kUsPerSecond);
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), seconds / 3600, seconds / 60 % 60, seconds % 60,
                static_cast<int>(us % kUsPerSecond / 1000));
  return text.data();
}

}  // namespace pirouette
