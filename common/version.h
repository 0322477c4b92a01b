#pragma once
// Which Pirouette this is, as pictures and manifests name it.

#include <string_view>

namespace pirouette {

std::string_view version();    // "0.1.0"
std::string_view tool_name();  // "Pirouette 0.1.0"

}  // namespace pirouette
