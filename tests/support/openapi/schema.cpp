#include "tests/support/openapi/schema.h"

#include <regex>
#include <set>

namespace pirouette::openapi {
namespace {

// Keywords that say something for people only.
const std::set<std::string> kSilent = {"description", "title", "default", "examples",
                                       "$schema",     "$id",   "$defs"};

bool is_of_type(const std::string& type, const json& value) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

class Check {
 public:
  explicit Check(const Locate& locate) : locate_(locate) {}

  // The fields of an object are named all over allOf and $ref, so only the outermost schema can say
  // which are not.
  void value(Located at, const json& value, const std::string& where) {
    keywords(at, value, where);
    if (!value.is_object()) return;
    std::set<std::string> named;
    if (!name_fields(at, named)) return;
    for (const auto& [field, ignored] : value.items()) {
      if (!named.contains(field)) say(where, "the field " + field + " is not in the schema");
    }
  }

  std::vector<std::string> complaints;

 private:
  void say(const std::string& where, const std::string& what) {
    complaints.push_back((where.empty() ? "" : where + ": ") + what);
  }

  // False: any field may come.
  bool name_fields(Located at, std::set<std::string>& named) {
    const json& schema = *at.schema;
    if (schema.contains("$ref") && !name_fields(locate_(schema["$ref"], *at.document), named)) {
      return false;
    }
    if (schema.value("additionalProperties", false)) return false;
    if (schema.contains("properties")) {
      for (const auto& [field, ignored] : schema["properties"].items()) named.insert(field);
    }
    for (const char* branches : {"allOf", "oneOf"}) {
      if (!schema.contains(branches)) continue;
      for (const json& branch : schema[branches]) {
        if (!name_fields({&branch, at.document}, named)) return false;
      }
    }
    return true;
  }

  void keywords(Located at, const json& value, const std::string& where) {
    for (const auto& [keyword, wanted] : at.schema->items()) {
      if (kSilent.contains(keyword)) continue;
      keyword_of(at, keyword, wanted, value, where);
    }
  }

  void keyword_of(Located at, const std::string& keyword, const json& wanted, const json& value,
                  const std::string& where) {
    if (keyword == "$ref") return keywords(locate_(wanted, *at.document), value, where);
    if (keyword == "allOf") {
      for (const json& branch : wanted) keywords({&branch, at.document}, value, where);
    } else if (keyword == "oneOf") {
      one_of(at, wanted, value, where);
    } else if (keyword == "type") {
      type(wanted, value, where);
    } else if (keyword == "properties" || keyword == "required" ||
               keyword == "additionalProperties") {
      if (value.is_object()) fields(at, keyword, wanted, value, where);
    } else if (keyword == "items") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
        this->value({&wanted, at.document}, value[i], where + "/" + std::to_string(i));
      }
    } else if (keyword == "enum") {
      if (std::find(wanted.begin(), wanted.end(), value) == wanted.end()) {
        say(where, value.dump() + " is none of " + wanted.dump());
      }
    } else if (keyword == "const") {
      if (value != wanted) say(where, value.dump() + " is not " + wanted.dump());
    } else {
      limit(keyword, wanted, value, where);
    }
  }

  void one_of(Located at, const json& branches, const json& value, const std::string& where) {
    int fitting = 0;
    std::string why;
    for (const json& branch : branches) {
      Check check(locate_);
      check.value({&branch, at.document}, value, where);
      if (check.complaints.empty()) {
        ++fitting;
      } else {
        why += "; " + check.complaints.front();
      }
    }
    if (fitting != 1) say(where, "fits " + std::to_string(fitting) + " of oneOf" + why);
  }

  void type(const json& wanted, const json& value, const std::string& where) {
    const json types = wanted.is_array() ? wanted : json::array({wanted});
    for (const json& one : types) {
      if (is_of_type(one, value)) return;
    }
    say(where, value.dump().substr(0, 100) + " is not of type " + wanted.dump());
  }

  void fields(Located at, const std::string& keyword, const json& wanted, const json& value,
              const std::string& where) {
    if (keyword == "required") {
      for (const json& field : wanted) {
        if (!value.contains(field.get<std::string>())) {
          say(where, "there is no field " + field.get<std::string>());
        }
      }
    } else if (keyword == "properties") {
      for (const auto& [field, schema] : wanted.items()) {
        if (value.contains(field)) {
          this->value({&schema, at.document}, value[field], where + "/" + field);
        }
      }
    } else if (!wanted.is_boolean()) {
      say(where, "additionalProperties is known as true or false only");
    }
  }

  void limit(const std::string& keyword, const json& wanted, const json& value,
             const std::string& where) {
    const auto refuse = [&](bool broken) {
      if (broken)
        say(where, value.dump().substr(0, 100) + " breaks " + keyword + " " + wanted.dump());
    };
    const auto text = [&] { return value.get<std::string>(); };
    if (keyword == "pattern") {
      refuse(value.is_string() &&
             !std::regex_search(text(), std::regex(wanted.get<std::string>())));
    } else if (keyword == "format") {
      static const std::regex kTime(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)");
      refuse(wanted == "date-time" && value.is_string() && !std::regex_match(text(), kTime));
    } else if (keyword == "minimum") {
      refuse(value.is_number() && value < wanted);
    } else if (keyword == "maximum") {
      refuse(value.is_number() && value > wanted);
    } else if (keyword == "exclusiveMinimum") {
      refuse(value.is_number() && value <= wanted);
    } else if (keyword == "multipleOf") {
      refuse(value.is_number_integer() && value.get<long>() % wanted.get<long>() != 0);
    } else if (keyword == "maxLength") {
      refuse(value.is_string() && text().size() > wanted.get<std::size_t>());
    } else if (keyword == "minLength") {
      refuse(value.is_string() && text().size() < wanted.get<std::size_t>());
    } else if (keyword == "minItems") {
      refuse(value.is_array() && value.size() < wanted.get<std::size_t>());
    } else if (keyword == "maxItems") {
      refuse(value.is_array() && value.size() > wanted.get<std::size_t>());
    } else {
      say(where, "the schema says " + keyword + ", which nothing here checks");
    }
  }

  const Locate& locate_;
};

}  // namespace

std::vector<std::string> check_value(Located schema, const json& value, const Locate& locate) {
  Check check(locate);
  check.value(schema, value, "");
  return std::move(check.complaints);
}

}  // namespace pirouette::openapi
