#include "coordinator/ctl/format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace pirouette::ctl {

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  double amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 999.95 && unit + 1 < kUnits.size()) {
    amount /= 1000;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", amount, kUnits[unit]);
  return text.data();
}

std::string format_seconds(std::int64_t seconds) {
  constexpr std::int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
  const auto two = [&](std::int64_t big, const char* big_unit, std::int64_t small,
                       const char* small_unit) {
    std::string text = std::to_string(seconds / big) + big_unit;
    const std::int64_t rest = seconds % big / small;
    return rest == 0 ? text : text + " " + std::to_string(rest) + small_unit;
  };
  if (seconds < 2 * kMinute) return std::to_string(std::max<std::int64_t>(seconds, 0)) + " s";
  if (seconds < kHour) return std::to_string(seconds / kMinute) + " min";
  return seconds < kDay ? two(kHour, " h", kMinute, " min") : two(kDay, " d", kHour, " h");
}

std::string minute_of(const std::string& time) {
  constexpr std::size_t kDate = 10, kMinutes = 16;  // of 2026-03-01T09:00:00.000Z
  if (time.size() < kMinutes) return time;
  return time.substr(0, kDate) + " " + time.substr(kDate + 1, kMinutes - kDate - 1) + " UTC";
}

std::string count_of(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string progress_bar(std::uint64_t done, std::uint64_t of, std::size_t width) {
  const std::uint64_t part = of == 0 ? 0 : std::min(done, of) * width / of;
  const std::size_t filled = static_cast<std::size_t>(part);
  return "[" + std::string(filled, '#') + std::string(width - filled, '.') + "]";
}

std::string batch_line(const Json& batch, std::size_t bar_width) {
  const std::uint64_t jobs = number_of(batch, "jobs"), done = number_of(batch, "jobs_done");
  const std::uint64_t failed = number_of(batch, "jobs_failed");
  const std::uint64_t running = number_of(batch, "jobs_running");
  std::string line = progress_bar(done + failed, jobs, bar_width) + " " + std::to_string(done) +
                     " of " + count_of(jobs, "job");
  if (running > 0) line += ", " + std::to_string(running) + " running";
  if (failed > 0) line += ", " + std::to_string(failed) + " failed";
  const std::string state = text_of(batch, "state");
  if (state != "running") return line + ", " + state;
  const std::string likely = text_of(batch, "ready_p50"), surely = text_of(batch, "ready_p90");
  if (!likely.empty() && !surely.empty()) {
    return line + ", ready about " + minute_of(likely) + " (by " + minute_of(surely) +
           " in nine nights of ten)";
  }
  if (batch.contains("seconds_left") && batch["seconds_left"].is_number_integer()) {
    line += ", " + format_seconds(batch["seconds_left"].get<std::int64_t>()) + " left";
  }
  return line;
}

std::string waiting_line(const Json& batch) {
  const std::string why = text_of(batch, "waiting_for");
  return why.empty() ? "" : "waiting: " + why;
}

std::string late_line(const Json& batch) {
  const std::uint64_t late = number_of(batch, "late_by_seconds");
  if (late == 0) return "";
  return "may be late by " + std::to_string((late + 59) / 60) +
         " min: raise its priority, add workers or ask for less";
}

std::string stopped_line(const Json& health) {
  const std::string why = text_of(health, "stopped");
  if (why.empty()) return "";
  return "the farm is stopped: " + why + "; mend that, and restart a worker to try at once";
}

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::uint64_t number_of(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string text_of(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? printable(found->get<std::string>()) : "";
}

std::string trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

bool is_utf8(std::string_view text) {
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

std::string path_segment(std::string_view typed) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string segment;
  for (const char c : typed) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.') {
      segment += c;
    } else {
      segment += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return segment;
}

std::string printable(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return clean;
}

}  // namespace pirouette::ctl
