#include "coordinator/delivery/metrics.h"

#include <nlohmann/json.hpp>

#include "common/hash.h"

namespace pirouette::delivery {
namespace {

using nlohmann::json;

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string digest_at(const json& object, const char* key) {
  std::string text = text_at(object, key);
  return parse_digest(text).ok() ? text : "";
}

}  // namespace

Metrics read_metrics(const std::string& text, const Recipe& recipe) {
  Metrics metrics;
  metrics.weights.loras.resize(recipe.loras.size());
  const json told = json::parse(text, nullptr, false);
  if (!told.is_object()) return metrics;
  metrics.device_kind = text_at(told, "device");
  metrics.device_name = text_at(told, "device_name");
  metrics.dtype = text_at(told, "dtype");
  metrics.build = text_at(told, "build");
  metrics.weights.model = digest_at(told, "model_hash");
  const auto seconds = told.find("render_seconds");
  if (seconds != told.end() && seconds->is_number()) metrics.render_seconds = *seconds;
  const auto loras = told.find("loras");
  if (loras == told.end() || !loras->is_array()) return metrics;
  for (const json& lora : *loras) {
    if (!lora.is_object()) continue;
    for (std::size_t i = 0; i < recipe.loras.size(); ++i) {
      if (text_at(lora, "name") != recipe.loras[i].name) continue;
      metrics.weights.loras[i] = {digest_at(lora, "sha256"), digest_at(lora, "tensors_sha256")};
    }
  }
  return metrics;
}

}  // namespace pirouette::delivery
