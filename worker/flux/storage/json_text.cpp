#include "worker/flux/storage/json_text.h"

#include <algorithm>
#include <utility>

namespace pirouette::flux {

// nlohmann's parser itself does not recurse, but what it built does when it is copied or freed.
Result<nlohmann::json> parse_json_object(std::span<const std::uint8_t> text) {
  bool too_deep = false;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth > kJsonDepthMax;
    return !too_deep;
  };
  auto parsed = nlohmann::json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (too_deep)
    return Error{Errc::corrupt,
                 "is nested deeper than " + std::to_string(kJsonDepthMax) + " levels"};
  if (!parsed.is_object()) return Error{Errc::corrupt, "is not a JSON object"};
  return parsed;
}

}  // namespace pirouette::flux
