#include "worker/flux/lora_inspection.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

#include "worker/flux/lora_config.h"
#include "worker/flux/lora_key.h"
#include "worker/flux/lora_merge.h"
#include "worker/flux/lora_metadata.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kUnknownKeysShown = 5;

std::string kind_of(LoraRole role) {
  if (role <= LoraRole::up) return "LoRA";
  if (role <= LoraRole::alpha) return "";
  if (role <= LoraRole::lokr_w2_b) return "LoKr";
  if (role <= LoraRole::hada_w2_b) return "LoHa";
  return "dense";
}

std::int64_t rank_of(LoraRole role, const Tensor& tensor) {
  const bool tells = role == LoraRole::down || role == LoraRole::lokr_w1_b ||
                     role == LoraRole::lokr_w2_b || role == LoraRole::hada_w1_b;
  return tells && tensor.dim() == 2 ? tensor.size(0) : 0;
}

void look_at(const std::string& key, const Tensor& tensor, LoraReport& report,
             std::map<std::string, LoraModel>& modules) {
  const auto parsed = parse_lora_key(key);
  const auto spelled = parsed ? find_spelled_module(parsed->module) : std::nullopt;
  if (!spelled) {
    if (report.unknown_keys.size() < kUnknownKeysShown) report.unknown_keys.push_back(shown(key));
    return;
  }
  modules.emplace(parsed->module, spelled->target.model);
  report.formats.emplace(spelled->spelling->name);
  if (const std::string kind = kind_of(parsed->role); !kind.empty()) report.kinds.insert(kind);
  if (const auto rank = rank_of(parsed->role, tensor); rank > 0) report.ranks.insert(rank);
  if (parsed->role == LoraRole::alpha && tensor.numel() == 1 && tensor.is_floating_point())
    report.alphas.insert(tensor.item<double>());
}

Result<void> check_taken(const fs::path& path, const Tensors* model) {
  const Lora lora = TRY(load_lora(path));
  if (model != nullptr) TRY(plan_merge({{lora, 1.0}}, LoraModel::transformer, *model));
  return {};
}

template <typename T>
std::string joined(const T& values) {
  std::ostringstream text;
  for (const auto& value : values) text << (text.tellp() > 0 ? ", " : "") << value;
  return text.str();
}

}  // namespace

bool looks_like_lora(const fs::path& path) {
  std::error_code failed;
  if (fs::is_directory(path, failed)) return fs::exists(path / "adapter_config.json", failed);
  const auto file = load_checkpoint(path);
  if (!file.ok()) return false;
  return std::ranges::any_of(file.value().tensors, [](const auto& entry) {
    const auto parsed = parse_lora_key(entry.first);
    return (parsed && parsed->role != LoraRole::alpha) ||
           entry.first.find("lora") != std::string::npos;
  });
}

Result<LoraReport> inspect_lora(const fs::path& path, const Tensors* model) {
  const Checkpoint file = TRY(load_checkpoint(path));
  LoraReport report;
  report.path = path.string();
  std::map<std::string, LoraModel> modules;
  for (const auto& [key, tensor] : file.tensors) look_at(key, tensor, report, modules);
  for (const auto& [name, of] : modules)
    ++(of == LoraModel::clip ? report.clip_modules : report.transformer_modules);
  const auto config = load_adapter_config(path, file.metadata);
  if (config.ok() && report.alphas.empty() && config.value().alpha)
    report.alphas.insert(*config.value().alpha);
  report.trigger_words = trigger_words(file.metadata);
  report.training = training_metadata(file.metadata);
  const auto taken = check_taken(path, model);
  report.is_taken = taken.ok();
  if (!taken.ok()) report.why_not = taken.error().what;
  return report;
}

json to_json(const LoraReport& report) {
  json training = json::object();
  for (const auto& [key, value] : report.training) training[key] = value;
  return {{"kind", "lora"},
          {"path", report.path},
          {"formats", report.formats},
          {"kinds", report.kinds},
          {"ranks", report.ranks},
          {"alphas", report.alphas},
          {"modules", {{"transformer", report.transformer_modules}, {"clip", report.clip_modules}}},
          {"unknown_keys", report.unknown_keys},
          {"trigger_words", report.trigger_words},
          {"training", training},
          {"taken", report.is_taken},
          {"why_not", report.why_not}};
}

std::string to_text(const LoraReport& report) {
  std::ostringstream text;
  text << report.path << '\n';
  const auto line = [&](const char* name, const std::string& value) {
    if (!value.empty()) text << "  " << name << ": " << value << '\n';
  };
  line("format", joined(report.formats));
  line("kind", joined(report.kinds));
  line("rank", joined(report.ranks));
  line("alpha", report.alphas.empty() ? "none (scale 1)" : joined(report.alphas));
  line(
      "modules",
      std::to_string(report.transformer_modules) + " of the transformer" +
          (report.clip_modules > 0 ? ", " + std::to_string(report.clip_modules) + " of CLIP" : ""));
  line("unknown keys", joined(report.unknown_keys));
  line("trigger words", joined(report.trigger_words));
  for (const auto& [key, value] : report.training) line(key.c_str(), value);
  line("this engine", report.is_taken ? "takes it" : "refuses it: " + report.why_not);
  return text.str();
}

}  // namespace pirouette::flux
