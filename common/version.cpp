#include "common/version.h"

namespace pirouette {

std::string_view version() { return PIROUETTE_VERSION; }
std::string_view tool_name() { return "Pirouette " PIROUETTE_VERSION; }

}  // namespace pirouette
