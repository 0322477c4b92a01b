#pragma once
// Words and figures for people. Pure.

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pirouette::ctl {

using Json = nlohmann::ordered_json;

// "812 B", "1.9 MB", "24.0 GB": thousands, as disks are sold.
std::string format_bytes(std::uint64_t bytes);
// "45 s", "12 min", "3 h 20 min", "2 d 4 h".
std::string format_seconds(std::int64_t seconds);
// "1 character", "2 characters".
std::string count_of(std::uint64_t count, std::string_view noun);

// "[########............]", width characters between the brackets.
std::string progress_bar(std::uint64_t done, std::uint64_t of, std::size_t width);

// One batch in one line: "[####......] 29 of 72 jobs, 3 running, 1 failed, 12 min left".
std::string batch_line(const Json& batch, std::size_t bar_width);

// Why nothing of a batch is rendered just now, as a line; "" if something is.
std::string waiting_line(const Json& batch);
// That it may miss its deadline, and by how much; "" where it will not.
std::string late_line(const Json& batch);
// That no work is given out, and why; "" where it is.
std::string stopped_line(const Json& health);
// "2026-03-01 09:00 UTC" of a time as the API writes it.
std::string minute_of(const std::string& time);

// Columns padded to their widest cell, two spaces between; the first row is the heading.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

// --- fields of an answer that may be missing or of another kind; the server is not trusted ---

std::uint64_t number_of(const Json& object, std::string_view key);  // 0 if there is none
std::string text_of(const Json& object, std::string_view key);      // "" if there is none

// As one segment of a path, whatever is typed.
std::string path_segment(std::string_view typed);

// What a server says goes to a terminal: without control characters.
std::string printable(std::string_view text);

// --- text that people wrote ---

std::string trim(std::string_view text);  // no white space around it
bool is_utf8(std::string_view text);

}  // namespace pirouette::ctl
