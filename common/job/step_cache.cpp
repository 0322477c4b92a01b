#include "common/job/step_cache.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/job/recipe.h"

namespace pirouette {
namespace {

Error wrong(std::string_view text) {
  return {Errc::invalid, "step cache \"" + std::string(text.substr(0, 80)) +
                             "\": write off, reference=N (every Nth step, 1 to " +
                             std::to_string(kStepsMax) +
                             "), skip=A+B+… (steps that are skipped, rising, from 2 on), or both "
                             "with a comma"};
}

std::optional<int> parse_number(std::string_view text, int least) {
  int number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number < least || number > kStepsMax) return std::nullopt;
  return number;
}

// What stands before the mark; text goes on behind it.
std::string_view take_until(std::string_view& text, char mark) {
  const std::string_view taken = text.substr(0, text.find(mark));
  text.remove_prefix(std::min(text.size(), taken.size() + 1));
  return taken;
}

}  // namespace

bool StepCache::skips(int step) const {
  return step > 0 && std::ranges::binary_search(skipped, step + 1);
}

Result<StepCache> parse_step_cache(std::string_view text) {
  StepCache cache;
  if (text.empty() || text == "off") return cache;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view value = take_until(rest, ',');
    const std::string_view name = take_until(value, '=');
    if (name == "reference" && cache.reference_every == 1) {
      const auto every = parse_number(value, 1);
      if (!every) return wrong(text);
      cache.reference_every = *every;
    } else if (name == "skip" && cache.skipped.empty() && !value.empty()) {
      while (!value.empty()) {
        const auto step = parse_number(take_until(value, '+'), 2);
        if (!step || (!cache.skipped.empty() && *step <= cache.skipped.back())) return wrong(text);
        cache.skipped.push_back(*step);
      }
    } else {
      return wrong(text);
    }
  }
  return cache;
}

std::string to_text(const StepCache& cache) {
  if (cache.is_off()) return "off";
  std::string text;
  if (cache.reference_every > 1) text = "reference=" + std::to_string(cache.reference_every);
  for (std::size_t i = 0; i < cache.skipped.size(); ++i) {
    if (i == 0) text += text.empty() ? "skip=" : ",skip=";
    if (i > 0) text += '+';
    text += std::to_string(cache.skipped[i]);
  }
  return text;
}

}  // namespace pirouette
