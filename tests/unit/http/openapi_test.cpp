// The checker of schema/openapi.yaml finds what it is there to find.

#include <gtest/gtest.h>

#include "tests/support/openapi/schema.h"

namespace pirouette::openapi {
namespace {

std::string first_complaint(const json& schema, const json& value) {
  const Locate nowhere = [](const std::string&, const json& document) {
    return Located{&document["$defs"]["word"], &document};
  };
  const auto complaints = check_value({&schema, &schema}, value, nowhere);
  return complaints.empty() ? "" : complaints.front();
}

TEST(Schema, ObjectsAreClosed) {
  const json closed = {{"type", "object"}, {"properties", {{"a", {{"type", "integer"}}}}}};
  EXPECT_EQ(first_complaint(closed, {{"a", 1}}), "");
  EXPECT_EQ(first_complaint(closed, {{"b", 1}}), "the field b is not in the schema");
  EXPECT_EQ(first_complaint(closed, {{"a", "x"}}), "/a: \"x\" is not of type \"integer\"");
  json open = closed;
  open["additionalProperties"] = true;
  EXPECT_EQ(first_complaint(open, {{"b", 1}}), "");
  const json nested = {{"type", "array"}, {"items", closed}};
  EXPECT_EQ(first_complaint(nested, {{{"a", 1}}, {{"b", 1}}}),
            "/1: the field b is not in the schema");
}

TEST(Schema, AllOfJoinsTheFieldsOfItsParts) {
  const json both = {{"allOf",
                      {{{"properties", {{"a", {{"type", "integer"}}}}}},
                       {{"required", {"b"}}, {"properties", {{"b", {{"type", "null"}}}}}}}}};
  EXPECT_EQ(first_complaint(both, {{"a", 1}, {"b", nullptr}}), "");
  EXPECT_EQ(first_complaint(both, {{"a", 1}}), "there is no field b");
  EXPECT_EQ(first_complaint(both, {{"b", nullptr}, {"c", 1}}), "the field c is not in the schema");
}

TEST(Schema, EachKeywordIsChecked) {
  const json word = {{"$ref", "#/$defs/word"}, {"$defs", {{"word", {{"pattern", "^[a-z]+$"}}}}}};
  EXPECT_EQ(first_complaint(word, "abc"), "");
  EXPECT_NE(first_complaint(word, "ABC"), "");
  EXPECT_NE(first_complaint({{"enum", {"a", "b"}}}, "c"), "");
  EXPECT_NE(first_complaint({{"const", "ok"}}, "not"), "");
  EXPECT_NE(first_complaint({{"type", {"integer", "null"}}}, 1.5), "");
  EXPECT_NE(first_complaint({{"minimum", 1}}, 0), "");
  EXPECT_NE(first_complaint({{"maxItems", 1}}, json::array({1, 2})), "");
  EXPECT_NE(first_complaint({{"format", "date-time"}}, "yesterday"), "");
  const json either = {{"oneOf", {{{"type", "string"}}, {{"type", "null"}}}}};
  EXPECT_EQ(first_complaint(either, nullptr), "");
  EXPECT_NE(first_complaint(either, 1), "");
  EXPECT_NE(first_complaint({{"minProperties", 1}}, json::object()), "")
      << "what is not checked must not pass in silence";
}

}  // namespace
}  // namespace pirouette::openapi
