#pragma once
// One value against one schema of the subset that description.h tells of.

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace pirouette::openapi {

using nlohmann::json;

// Where a $ref points to: the schema, and the document that its own references are of.
struct Located {
  const json* schema = nullptr;
  const json* document = nullptr;
};
using Locate = std::function<Located(const std::string& ref, const json& document)>;

// Each complaint begins with where it is: "items/0/name: …".
std::vector<std::string> check_value(Located schema, const json& value, const Locate& locate);

}  // namespace pirouette::openapi
