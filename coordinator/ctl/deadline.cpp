// See deadline.h. The C library knows the local zone and its changes of the clock.

#include "coordinator/ctl/deadline.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <optional>

#include "common/job/recipe.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

constexpr std::int64_t kUsPerSecond = 1'000'000;

std::tm local_time(Instant instant) {
  const auto seconds = static_cast<std::time_t>(instant.us / kUsPerSecond);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return local;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// pattern: '0' stands for a digit, anything else for itself.
bool has_form(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (pattern[i] == '0' ? !is_digit(text[i]) : text[i] != pattern[i]) return false;
  }
  return true;
}

int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  int number = 0;
  for (std::size_t i = 0; i < digits; ++i) number = number * 10 + (text[at + i] - '0');
  return number;
}

// "9:00", "09:00", "09:00:30" into the hour, minute and second of local.
bool read_clock(std::string text, std::tm& local) {
  if (text.find(':') == 1) text.insert(0, "0");
  const bool with_seconds = has_form(text, "00:00:00");
  if (!with_seconds && !has_form(text, "00:00")) return false;
  local.tm_hour = number_at(text, 0, 2);
  local.tm_min = number_at(text, 3, 2);
  local.tm_sec = with_seconds ? number_at(text, 6, 2) : 0;
  return local.tm_hour < 24 && local.tm_min < 60 && local.tm_sec < 60;
}

// None: this day does not have that time, or the calendar not that day.
std::optional<Instant> instant_of(std::tm wanted) {
  wanted.tm_isdst = -1;
  std::tm normal = wanted;
  const std::time_t seconds = ::mktime(&normal);
  if (normal.tm_year != wanted.tm_year || normal.tm_mon != wanted.tm_mon ||
      normal.tm_mday != wanted.tm_mday || normal.tm_hour != wanted.tm_hour ||
      normal.tm_min != wanted.tm_min) {
    return std::nullopt;
  }
  return Instant{std::int64_t{seconds} * kUsPerSecond};
}

Error not_a_deadline(std::string_view text) {
  return {Errc::invalid, "the deadline \"" + printable(text) +
                             "\" is no time; write 09:00, \"tomorrow 09:00\", \"2026-03-01 09:00\" "
                             "(local time) or 2026-03-01T09:00:00Z"};
}

// The day after: by the calendar, since days with a change of the clock are not 24 hours long.
void to_next_day(std::tm& local) {
  local.tm_mday += 1;
  std::tm noon = local;
  noon.tm_hour = 12;
  noon.tm_isdst = -1;
  ::mktime(&noon);
  local.tm_year = noon.tm_year;
  local.tm_mon = noon.tm_mon;
  local.tm_mday = noon.tm_mday;
}

Result<Instant> parse_local(std::string_view text, Instant now) {
  std::tm wanted = local_time(now);
  std::string clock(text);
  bool next = false;  // a time alone is the next one
  if (text.starts_with("tomorrow ")) {
    to_next_day(wanted);
    clock = trim(text.substr(9));
  } else if (text.starts_with("today ")) {
    clock = trim(text.substr(6));
  } else if (text.size() > 11 && has_form(text.substr(0, 10), "0000-00-00") &&
             (text[10] == ' ' || text[10] == 'T')) {
    wanted.tm_year = number_at(text, 0, 4) - 1900;
    wanted.tm_mon = number_at(text, 5, 2) - 1;
    wanted.tm_mday = number_at(text, 8, 2);
    clock = trim(text.substr(11));
  } else {
    next = true;
  }
  if (!read_clock(clock, wanted)) return not_a_deadline(text);
  std::optional<Instant> instant = instant_of(wanted);
  if (next && instant && *instant <= now) {
    to_next_day(wanted);
    instant = instant_of(wanted);
  }
  if (!instant) {
    return Error{Errc::invalid, "the deadline \"" + printable(text) +
                                    "\" does not exist in local time: there is no such day, or "
                                    "clocks are put forward over that time"};
  }
  return *instant;
}

}  // namespace

Result<Instant> parse_deadline(std::string_view given, Instant now) {
  const std::string text = trim(given);
  auto deadline = parse_rfc3339(text);
  if (!deadline.ok()) deadline = parse_local(text, now);
  if (!deadline.ok()) return deadline;
  if (deadline.value() <= now) {
    return Error{Errc::invalid, "the deadline \"" + printable(text) + "\" is past: it was " +
                                    to_rfc3339(deadline.value()) + "; give a later one, or none"};
  }
  return deadline;
}

std::string describe_deadline(Instant deadline, Instant now) {
  const std::tm local = local_time(deadline);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M %Z", &local);
  return std::string(text.data()) + " (" + to_rfc3339(deadline) + "), in " +
         format_seconds((deadline - now).us / kUsPerSecond);
}

}  // namespace pirouette::ctl
