#pragma once
// One line a happening, on standard error: time, level, part, text. A thin wall before spdlog,
// which costs seconds to compile; callers format with std::string.

#include <string>
#include <string_view>

namespace pirouette::log {

enum class Level { debug, info, warn, error };

// Sets the least level shown. From the command line's --log-level.
void set_level(Level level);

void debug(std::string_view part, const std::string& text);
void info(std::string_view part, const std::string& text);
void warn(std::string_view part, const std::string& text);
void error(std::string_view part, const std::string& text);

}  // namespace pirouette::log
