// Batches as text.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/job/recipe.h"

namespace pirouette {
namespace {

using nlohmann::json;

const std::string kReference(64, 'a');

json small_batch() {
  return {{"name", "night"},
          {"owner", "studio"},
          {"sheets", {{{"character", "knight"}, {"reference", kReference}}}}};
}

std::string complaint(const json& batch) {
  const Result<BatchSpec> spec = parse_batch(batch.dump());
  EXPECT_FALSE(spec.ok());
  return spec.ok() ? "" : spec.error().what;
}

TEST(Batch, CarriesWhatWasAskedFor) {
  json batch = small_batch();
  batch["priority"] = 90;
  batch["deadline"] = "2026-03-01T09:00:00.1239+01:00";
  batch["recipe"] = {{"steps", 3}};
  batch["sheets"][0]["notes"] = "red cape";
  batch["sheets"][0]["seed"] = 9223372036854775807u;
  batch["idle_only"] = true;
  const Result<BatchSpec> spec = parse_batch(batch.dump());
  ASSERT_TRUE(spec.ok()) << spec.error().what;
  EXPECT_EQ(spec.value().name, "night");
  EXPECT_EQ(spec.value().owner, "studio");
  EXPECT_EQ(spec.value().priority, 90);
  EXPECT_EQ(to_rfc3339(spec.value().deadline.value()), "2026-03-01T08:00:00.123Z");
  EXPECT_EQ(spec.value().recipe.steps, 3);
  ASSERT_EQ(spec.value().sheets.size(), 1u);
  EXPECT_EQ(spec.value().sheets[0].character, "knight");
  EXPECT_EQ(to_hex(spec.value().sheets[0].reference), kReference);
  EXPECT_EQ(spec.value().sheets[0].notes, "red cape");
  EXPECT_EQ(spec.value().sheets[0].seed, 9223372036854775807u);

  const std::string canonical = to_json(spec.value());
  const Result<BatchSpec> again = parse_batch(canonical);
  ASSERT_TRUE(again.ok()) << again.error().what;
  EXPECT_EQ(to_json(again.value()), canonical);
  EXPECT_EQ(again.value().deadline, spec.value().deadline);
  EXPECT_TRUE(spec.value().idle_only);
  EXPECT_TRUE(again.value().idle_only);
}

TEST(Batch, WithoutARecipeGetsTheDefaults) {
  const Result<BatchSpec> spec = parse_batch(small_batch().dump());
  ASSERT_TRUE(spec.ok()) << spec.error().what;
  EXPECT_EQ(spec.value().recipe, parse_recipe("{}").value());
  EXPECT_EQ(spec.value().sheets[0].seed, std::nullopt);
}

TEST(Batch, NamesEveryMistakeWithItsPlace) {
  json batch = small_batch();
  batch["priority"] = 101;
  batch["deadline"] = "tomorrow";
  batch["idle_only"] = "yes";
  batch["recipe"] = {{"steps", -1}};
  batch["sheets"].push_back({{"character", "a/../b"}, {"reference", "short"}, {"seed", -1}});
  batch["sheets"].push_back({{"character", ".hidden"}, {"referense", kReference}});
  const std::string said = complaint(batch);
  for (const std::string words :
       {"priority must be a whole number from 0 to 100, not 101", "deadline \"tomorrow\" is not",
        "idle_only must be true or false, not \"yes\"", "recipe.steps must be",
        "sheets[1].character must not have '/'", "as \"a/../b\" does",
        "sheets[1].reference must be the SHA-256", "sheets[1].seed must be",
        "sheets[2].character must not start or end with a dot or a space",
        "sheets[2].reference is missing", "sheets[2] has the unknown field \"referense\""}) {
    EXPECT_NE(said.find(words), std::string::npos) << words << "\nnot in: " << said;
  }
}

TEST(Batch, TwoCharactersWithTheSameFileNameAreRefused) {
  json batch = small_batch();
  batch["sheets"].push_back({{"character", "KNIGHT"}, {"reference", kReference}});
  EXPECT_NE(complaint(batch).find("sheets[1].character is \"KNIGHT\" a second time"),
            std::string::npos);
}

TEST(Batch, NeedsANameAndBetweenOneAndTenThousandSheets) {
  json batch = small_batch();
  batch["sheets"] = json::array();
  EXPECT_NE(complaint(batch).find("1 to 10000 elements"), std::string::npos);
  batch["sheets"] = json::array_t(kBatchMaxSheets + 1, {{"character", "x"}});
  EXPECT_NE(complaint(batch).find("not 10001 elements"), std::string::npos);
  batch = small_batch();
  batch.erase("name");
  EXPECT_NE(complaint(batch).find("name is missing"), std::string::npos);
}

TEST(Rfc3339, ReadsAnyOffset) {
  const auto us = [](std::string_view text) { return parse_rfc3339(text).value().us; };
  EXPECT_EQ(us("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(us("2026-03-01T09:00:00.5Z"), 1772355600500000);
  EXPECT_EQ(us("2026-03-01T10:30:00+01:30"), us("2026-03-01T09:00:00z"));
  EXPECT_EQ(us("2026-02-28T23:00:00-10:00"), us("2026-03-01T09:00:00Z"));
  EXPECT_EQ(us("2026-03-01T09:00:00.123456789Z"), us("2026-03-01T09:00:00.123456Z"));
  EXPECT_EQ(us("2016-12-31T23:59:60Z"), us("2017-01-01T00:00:00Z"));
}

TEST(Rfc3339, RefusesWhatIsNotATime) {
  for (const std::string_view text :
       {"", "2026-03-01", "2026-03-01 09:00:00Z", "2026-03-01T09:00:00", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T09:60:00Z",
        "2026-03-01T09:00:00.Z", "2026-03-01T09:00:00+1:00", "2026-03-01T09:00:00+24:00",
        "2026-03-01T09:00:00Zx", "26-03-01T09:00:00Z", "+026-03-01T09:00:00Z"}) {
    const Result<Instant> instant = parse_rfc3339(text);
    ASSERT_FALSE(instant.ok()) << text;
    EXPECT_EQ(instant.error().code, Errc::invalid);
  }
}

TEST(Rfc3339, WritesUtcWithMillisecondsAlsoBefore1970) {
  EXPECT_EQ(to_rfc3339(Instant{0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(Instant{-1}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(to_rfc3339(parse_rfc3339("2000-02-29T12:34:56.789Z").value()),
            "2000-02-29T12:34:56.789Z");
}

}  // namespace
}  // namespace pirouette
