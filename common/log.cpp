#include "common/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace pirouette::log {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_color_mt("pirouette");
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%-5l%$ %v");
    return made;
  }();
  return *instance;
}

}  // namespace

void set_level(Level level) {
  switch (level) {
    case Level::debug:
      logger().set_level(spdlog::level::debug);
      return;
    case Level::info:
      logger().set_level(spdlog::level::info);
      return;
    case Level::warn:
      logger().set_level(spdlog::level::warn);
      return;
    case Level::error:
      logger().set_level(spdlog::level::err);
      return;
  }
}

void debug(std::string_view part, const std::string& text) { logger().debug("{}: {}", part, text); }
void info(std::string_view part, const std::string& text) { logger().info("{}: {}", part, text); }
void warn(std::string_view part, const std::string& text) { logger().warn("{}: {}", part, text); }
void error(std::string_view part, const std::string& text) { logger().error("{}: {}", part, text); }

}  // namespace pirouette::log
