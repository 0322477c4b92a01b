#pragma once
// JSON from files that strangers wrote, with the limits that keep a parser from running out of
// stack or memory. Free of torch.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>

#include "common/result.h"

namespace pirouette::flux {

// Deeper than any configuration of a model.
inline constexpr int kJsonDepthMax = 32;

// corrupt: no JSON, no object, or nested deeper than kJsonDepthMax.
Result<nlohmann::json> parse_json_object(std::span<const std::uint8_t> text);

}  // namespace pirouette::flux
