// schema/recipe.schema.json and parse_recipe() say the same: what the one takes, the other takes.
// The validator knows the words that the schema uses, and fails at any other.

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "common/job/recipe.h"

namespace pirouette {
namespace {

using nlohmann::json;

class Schema {
 public:
  Schema() {
    std::ifstream in(std::string(PIROUETTE_SOURCE_DIR) + "/schema/recipe.schema.json");
    root_ = json::parse(in);
  }

  bool takes(const json& value) const { return takes(root_, value); }
  const json& root() const { return root_; }

 private:
  static bool is_type(const std::string& type, const json& value) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "number") return value.is_number();
    if (type == "integer") return value.is_number_integer();
    ADD_FAILURE() << "the validator does not know the type " << type;
    return false;
  }

  bool takes_fields(const json& schema, const json& value) const {
    if (!value.is_object()) return true;
    for (const auto& [name, field] : value.items()) {
      const auto known = schema["properties"].find(name);
      if (known == schema["properties"].end() || !takes(*known, field)) return false;
    }
    return true;
  }

  bool takes_elements(const json& schema, const json& value) const {
    if (!value.is_array()) return true;
    return std::all_of(value.begin(), value.end(),
                       [&](const json& element) { return takes(schema, element); });
  }

  bool takes(const json& schema, const json& value) const {
    static const std::set<std::string> silent = {
        "$schema", "$id", "title", "description", "default", "$defs", "additionalProperties"};
    for (const auto& [word, rule] : schema.items()) {
      if (!silent.contains(word) && !keeps(word, rule, schema, value)) return false;
    }
    return true;
  }

  bool keeps(const std::string& word, const json& rule, const json& schema,
             const json& value) const {
    if (word == "type") return is_type(rule, value);
    if (word == "properties") {
      EXPECT_EQ(schema.value("additionalProperties", true), false);
      return takes_fields(schema, value);
    }
    if (word == "items") return takes_elements(rule, value);
    if (word == "enum") return std::find(rule.begin(), rule.end(), value) != rule.end();
    if (word == "$ref") {
      return takes(root_[json::json_pointer(rule.get<std::string>().substr(1))], value);
    }
    if (word == "oneOf") {
      return std::count_if(rule.begin(), rule.end(),
                           [&](const json& one) { return takes(one, value); }) == 1;
    }
    if (word == "required") {
      return std::all_of(rule.begin(), rule.end(),
                         [&](const std::string& field) { return value.contains(field); });
    }
    if (word == "pattern") {
      return !value.is_string() ||
             std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()));
    }
    if (word == "maxLength") return !value.is_string() || value.get<std::string>().size() <= rule;
    if (word == "minItems") return !value.is_array() || value.size() >= rule;
    if (word == "maxItems") return !value.is_array() || value.size() <= rule;
    if (word == "minimum") return !value.is_number() || value >= rule;
    if (word == "maximum") return !value.is_number() || value <= rule;
    if (word == "multipleOf") return !value.is_number() || value.get<int>() % rule.get<int>() == 0;
    ADD_FAILURE() << "the validator does not know the word " << word;
    return false;
  }

  json root_;
};

json view(json more) {
  json made{{"id", "front"}, {"azimuth", 0}, {"name", "front view"}};
  made.update(more);
  return made;
}

// Each field at its edges: {field, value, whether it is taken}.
struct Sample {
  const char* field;
  json value;
  bool taken;
};

// Names, lists and what is in them.
std::vector<Sample> samples_of_lists() {
  return {
      {"model", "flux1-kontext-dev_2.b", true},
      {"model", "a b", false},
      {"model", "", false},
      {"model", std::string(200, 'x'), true},
      {"model", std::string(201, 'x'), false},
      {"model", 7, false},
      {"loras", json::array(), true},
      {"loras", {{{"name", "ink"}, {"scale", -4}, {"trigger", "inked"}}}, true},
      {"loras", {{{"name", "ink"}, {"scale", 4.01}}}, false},
      {"loras", {{{"scale", 1}}}, false},
      {"loras", {{{"name", "ink"}, {"weight", 1}}}, false},
      {"loras", {{{"name", "ink"}, {"trigger", std::string(201, 'x')}}}, false},
      {"loras", "ink", false},
      {"pose_set", "std6", true},
      {"pose_set", "game8", true},
      {"pose_set", "std7", false},
      {"pose_set", json::array(), false},
      {"pose_set",
       {view({{"azimuth", 359}, {"shows_side", "left"}, {"faces_screen", "away"}})},
       true},
      {"pose_set", {view({{"azimuth", 360}})}, false},
      {"pose_set", {view({{"id", "a-b"}})}, false},
      {"pose_set", {view({{"shows_side", "top"}})}, false},
      {"pose_set", {view({{"faces_screen", "front"}})}, false},
      {"pose_set", {view({{"pose", "x"}})}, false},
      {"pose_set", {{{"id", "front"}, {"azimuth", 0}}}, false},
  };
}

// Where and in which order its views are rendered.
std::vector<Sample> samples_of_placement() {
  return {
      {"requires", json::array(), true},
      {"requires", {"80gb", "a.b-c_D"}, true},
      {"requires", {"80 gb"}, false},
      {"requires", {""}, false},
      {"requires", {7}, false},
      {"requires", "80gb", false},
      {"requires", std::vector<std::string>(17, "x"), false},
      {"proof", "front", true},
      {"proof", "", true},
      {"proof", 7, false},
      {"held", "wait", true},
      {"held", "never", false},
  };
}

std::vector<Sample> samples() {
  std::vector<Sample> all = samples_of_lists();
  const std::vector<Sample> placement = samples_of_placement();
  all.insert(all.end(), placement.begin(), placement.end());
  const std::vector<Sample> numbers_and_words = {
      {"width", 64, true},
      {"width", 4096, true},
      {"width", 48, false},
      {"width", 4112, false},
      {"width", 840, false},
      {"width", 832.5, false},
      {"height", 1248, true},
      {"height", "1248", false},
      {"reference_size", "keep", true},
      {"reference_size", "832x1248", true},
      {"reference_size", "large", false},
      {"reference_size", "832 x 1248", false},
      {"steps", 1, true},
      {"steps", 200, true},
      {"steps", 0, false},
      {"steps", 201, false},
      {"guidance", 0, true},
      {"guidance", 30, true},
      {"guidance", 30.1, false},
      {"guidance", -0.1, false},
      {"true_cfg", 1, true},
      {"true_cfg", 30, true},
      {"true_cfg", 0.9, false},
      {"true_cfg", 30.5, false},
      {"max_sequence_length", 1, true},
      {"max_sequence_length", 512, true},
      {"max_sequence_length", 513, false},
      {"step_cache", "", true},
      {"step_cache", "off", true},
      {"step_cache", "reference=4", true},
      {"step_cache", "reference=4,skip=8+12", true},
      {"step_cache", "skip=8,reference=2", true},
      {"step_cache", "on", false},
      {"step_cache", "reference=4;skip=8", false},
      {"step_cache", 4, false},
      {"stance", "a_pose", true},
      {"stance", "t_pose", true},
      {"stance", "a-pose", false},
      {"prompt", "a {view}", true},
      {"prompt", "{view}" + std::string(8192, 'x'), false},
      {"negative_prompt", "", true},
      {"negative_prompt", std::string(8193, 'x'), false},
      {"sampler", "euler", false},
  };
  all.insert(all.end(), numbers_and_words.begin(), numbers_and_words.end());
  json eight = json::array(), nine = json::array();
  for (int i = 0; i < 9; ++i) {
    if (i < 8) eight.push_back({{"name", "l" + std::to_string(i)}});
    nine.push_back({{"name", "l" + std::to_string(i)}});
  }
  all.push_back({"loras", eight, true});
  all.push_back({"loras", nine, false});
  json views = json::array();
  for (int i = 0; i < 65; ++i) views.push_back(view({{"id", "v" + std::to_string(i)}}));
  all.push_back({"pose_set", views, false});
  views.erase(64);
  all.push_back({"pose_set", views, true});
  return all;
}

TEST(RecipeSchema, TakesAndRefusesWhatTheParserDoes) {
  const Schema schema;
  for (const Sample& sample : samples()) {
    const json recipe{{sample.field, sample.value}};
    const std::string shown = recipe.dump().substr(0, 120);
    EXPECT_EQ(schema.takes(recipe), sample.taken) << "the schema, of " << shown;
    const auto parsed = parse_recipe(recipe.dump());
    EXPECT_EQ(parsed.ok(), sample.taken)
        << "the parser, of " << shown << ": " << (parsed.ok() ? "" : parsed.error().what);
  }
}

TEST(RecipeSchema, TellsTheParsersFieldsAndDefaults) {
  const Schema schema;
  const json defaults = json::parse(to_json(parse_recipe("{}").value()));
  std::set<std::string> said, known;
  for (const auto& [name, rule] : schema.root()["properties"].items()) {
    said.insert(name);
    // Empty stands for the default template there.
    if (name != "prompt") {
      EXPECT_EQ(rule["default"], defaults[name]) << name;
    }
  }
  for (const auto& [name, value] : defaults.items()) known.insert(name);
  EXPECT_EQ(said, known);
  EXPECT_TRUE(schema.takes(defaults));
}

TEST(RecipeSchema, AllWrongFieldsAreNamedInOneError) {
  json recipe;
  std::set<std::string> wrong;
  for (const Sample& sample : samples()) {
    if (sample.taken || !wrong.insert(sample.field).second) continue;
    recipe[sample.field] = sample.value;
  }
  const auto parsed = parse_recipe(recipe.dump());
  ASSERT_FALSE(parsed.ok());
  for (const std::string& field : wrong) {
    EXPECT_NE(parsed.error().what.find(field), std::string::npos) << field;
  }
}

}  // namespace
}  // namespace pirouette
