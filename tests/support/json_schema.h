#pragma once
// As much of JSON Schema as the project's schemas use, to hold produced documents against them:
// type, const, enum, pattern, minimum, maximum, required, properties, additionalProperties, items,
// minItems, maxItems, oneOf and $ref. A word it does not know fails, so that nothing is unchecked.

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

namespace pirouette::testing {

class JsonSchema {
 public:
  using Json = nlohmann::json;

  explicit JsonSchema(std::filesystem::path file)
      : folder_(file.parent_path()), root_(Json::parse(std::ifstream(file))) {}

  // What does not fit, "at /sheets/0/version: …", a line each; "" if all does.
  std::string faults(const Json& document) const {
    std::string faults;
    check(document, root_, "", faults);
    return faults;
  }

 private:
  static bool has_type(const Json& value, const std::string& type) {
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    return type == value.type_name();
  }

  static bool has_any_type(const Json& value, const Json& types) {
    if (types.is_string()) return has_type(value, types);
    return std::any_of(types.begin(), types.end(),
                       [&](const Json& type) { return has_type(value, type); });
  }

  void check_reference(const Json& value, const std::string& to, const std::string& at,
                       std::string& faults) const {
    if (to.starts_with("#"))
      return check(value, root_[Json::json_pointer(to.substr(1))], at, faults);
    const std::string other = JsonSchema(folder_ / to).faults(value);
    if (!other.empty()) faults += "at " + at + " by " + to + ": " + other;
  }

  void check_object(const Json& value, const Json& schema, const std::string& at,
                    std::string& faults) const {
    for (const Json& name : schema.value("required", Json::array())) {
      if (!value.contains(name)) faults += "at " + at + ": no " + name.dump() + "\n";
    }
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [name, property] : value.items()) {
      if (properties.contains(name)) {
        check(property, properties[name], at + "/" + name, faults);
      } else if (!schema.value("additionalProperties", true)) {
        faults += "at " + at + ": unknown " + name + "\n";
      }
    }
  }

  void check_array(const Json& value, const Json& schema, const std::string& at,
                   std::string& faults) const {
    if (value.size() < schema.value("minItems", std::size_t{0}) ||
        value.size() > schema.value("maxItems", value.size())) {
      faults += "at " + at + ": " + std::to_string(value.size()) + " entries\n";
    }
    for (std::size_t i = 0; i < value.size() && schema.contains("items"); ++i) {
      check(value[i], schema["items"], at + "/" + std::to_string(i), faults);
    }
  }

  void check(const Json& value, const Json& schema, const std::string& at,
             std::string& faults) const {
    static const std::set<std::string> kKnown = {
        "$schema",     "$id",       "$defs",    "$ref",       "title",
        "description", "default",   "type",     "const",      "enum",
        "pattern",     "minimum",   "maximum",  "maxLength",  "items",
        "minItems",    "maxItems",  "required", "properties", "additionalProperties",
        "oneOf",       "multipleOf"};
    const auto fail = [&](const std::string& why) {
      faults += "at " + at + ": " + value.dump().substr(0, 80) + " " + why + "\n";
    };
    for (const auto& [word, unused] : schema.items()) {
      if (!kKnown.contains(word)) fail("is held against \"" + word + "\", which is not known here");
    }
    if (schema.contains("$ref")) check_reference(value, schema["$ref"], at, faults);
    if (schema.contains("type") && !has_any_type(value, schema["type"])) fail("is of a wrong type");
    if (schema.contains("const") && value != schema["const"]) fail("is not the constant");
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end()) {
      fail("is none of the words");
    }
    if (schema.contains("oneOf")) {
      int fitting = 0;
      for (const Json& one : schema["oneOf"]) {
        std::string ignored;
        check(value, one, at, ignored);
        fitting += ignored.empty() ? 1 : 0;
      }
      if (fitting != 1) fail("fits " + std::to_string(fitting) + " of oneOf");
    }
    if (value.is_string() && schema.contains("pattern") &&
        !std::regex_search(value.get<std::string>(),
                           std::regex(schema["pattern"].get<std::string>()))) {
      fail("is not of the pattern");
    }
    if (value.is_number() &&
        (value < schema.value("minimum", value) || value > schema.value("maximum", value))) {
      fail("is out of its limits");
    }
    if (value.is_object()) check_object(value, schema, at, faults);
    if (value.is_array()) check_array(value, schema, at, faults);
  }

  std::filesystem::path folder_;
  Json root_;
};

}  // namespace pirouette::testing
