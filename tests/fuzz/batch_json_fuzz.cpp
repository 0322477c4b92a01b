// What studios hand in: JSON as such, a recipe, a whole batch.

#include <nlohmann/json.hpp>

#include "common/job/fields.h"
#include "common/job/recipe.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pirouette;
  using nlohmann::json;
  const std::string text(data, data + size);
  const auto value = job::parse_json(text, 1u << 20);
  const json theirs = json::parse(text, nullptr, /*allow_exceptions=*/false);
  // Ours refuses more, and reads nothing that theirs does not, nor anything else of it.
  if (value.ok()) {
    PIROUETTE_CHECK(!theirs.is_discarded() && value.value().dump() == theirs.dump());
  } else {
    PIROUETTE_CHECK(!value.error().what.empty());
  }
  const auto recipe = parse_recipe(text);
  if (recipe.ok()) {
    const auto again = parse_recipe(to_json(recipe.value()));
    PIROUETTE_CHECK(again.ok() && again.value() == recipe.value());
  }
  const auto batch = parse_batch(text);
  PIROUETTE_CHECK(batch.ok() ? !batch.value().sheets.empty() : !batch.error().what.empty());
  return 0;
}
