#include "worker/flux/lora.h"

#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "common/files.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kAdapterConfigMaxBytes = 1u << 20;
constexpr std::string_view kMetadataKey = "lora_adapter_metadata";  // diffusers writes it

// Kinds of weights that are told from their key, and not supported.
struct Unsupported {
  std::string_view mark, kind;
};
constexpr std::array kUnsupported = std::to_array<Unsupported>({
    {"dora_scale", "DoRA"},
    {"lora_magnitude_vector", "DoRA"},
    {"lokr_", "LoKr"},
    {"hada_", "LoHa"},
    {"oft_", "OFT"},
    {".diff", "full-rank differences"},
    {"text_encoder", "LoRA for the text encoders"},
    {"lora_te", "LoRA for the text encoders"},
    {"lora_unet_", "kohya's LoRA format"},
    {".processor.", "x-labs' LoRA format"},
});

// What adapter_config.json or the metadata says; PEFT's names.
struct AdapterConfig {
  std::optional<double> alpha;
  std::map<std::string, double> alpha_of;  // "attn.to_q": alpha, for modules ending so
  bool scales_by_root = false;             // use_rslora: alpha / sqrt(rank)
};

struct Parts {
  Tensor down, up;
  std::optional<double> alpha;
};

enum class Role { down, up, alpha };

bool consume_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// "transformer.x.attn.to_q.lora_A.default.weight" -> "x.attn.to_q", down.
std::optional<std::pair<std::string, Role>> parse_key(std::string_view key) {
  for (const std::string_view prefix : {"base_model.model.", "transformer."})
    if (key.starts_with(prefix)) key.remove_prefix(prefix.size());
  if (consume_suffix(key, ".alpha")) return std::pair(std::string(key), Role::alpha);
  if (!consume_suffix(key, ".weight")) return std::nullopt;
  consume_suffix(key, ".default");  // PEFT's name for the only adapter
  for (const std::string_view down : {".lora_A", ".lora_down"})
    if (consume_suffix(key, down)) return std::pair(std::string(key), Role::down);
  for (const std::string_view up : {".lora_B", ".lora_up"})
    if (consume_suffix(key, up)) return std::pair(std::string(key), Role::up);
  return std::nullopt;
}

Error does_not_fit(const std::string& source, const std::string& what) {
  return {Errc::invalid, "LoRA " + source + ": " + what};
}

Error refused_key(const std::string& source, const std::string& key) {
  for (const Unsupported& row : kUnsupported)
    if (key.find(row.mark) != std::string::npos)
      return does_not_fit(source, "key \"" + key + "\" is " + std::string(row.kind) +
                                      ", which is not supported; convert it to PEFT's format");
  return does_not_fit(source, "key \"" + key +
                                  "\" fits no weight of FLUX.1; only LoRAs of FLUX.1 in the format "
                                  "of PEFT or diffusers are read");
}

Result<AdapterConfig> parse_config(const json& written, const std::string& prefix) {
  AdapterConfig config;
  if (!written.is_object()) return Error{Errc::corrupt, "the adapter's settings are not an object"};
  const auto find = [&](const char* name) -> const json& {
    static const json none;
    const auto found = written.find(prefix + name);
    return found == written.end() ? none : *found;
  };
  if (find("use_dora").is_boolean() && find("use_dora").get<bool>())
    return Error{Errc::invalid, "DoRA is not supported; merge it or train a plain LoRA"};
  const json& rslora = find("use_rslora");
  config.scales_by_root = rslora.is_boolean() && rslora.get<bool>();
  if (const json& alpha = find("lora_alpha"); alpha.is_number()) config.alpha = alpha.get<double>();
  if (const json& patterns = find("alpha_pattern"); patterns.is_object())
    for (const auto& [pattern, alpha] : patterns.items()) {
      if (!alpha.is_number() || pattern.find_first_of("^$*+?()[]{}|\\") != std::string::npos)
        return Error{Errc::invalid, "alpha_pattern \"" + pattern + "\" is not a module's name"};
      config.alpha_of.emplace(pattern, alpha.get<double>());
    }
  return config;
}

Result<AdapterConfig> load_config(const fs::path& path, const Checkpoint& file) {
  std::error_code failed;
  if (const auto metadata = file.metadata.find(std::string(kMetadataKey));
      metadata != file.metadata.end())
    return parse_config(json::parse(metadata->second, nullptr, /*allow_exceptions=*/false),
                        "transformer.");
  const fs::path config = path / "adapter_config.json";
  if (!fs::is_directory(path, failed) || !fs::exists(config, failed)) return AdapterConfig{};
  const auto bytes = TRY(read_file(config, kAdapterConfigMaxBytes));
  return parse_config(json::parse(bytes.begin(), bytes.end(), nullptr, /*allow_exceptions=*/false),
                      "");
}

std::optional<double> find_alpha(const AdapterConfig& config, const std::string& module) {
  for (const auto& [name, alpha] : config.alpha_of)
    if (module == name || module.ends_with('.' + name)) return alpha;
  return config.alpha;
}

Result<std::map<std::string, Parts>> collect(const Checkpoint& file, const std::string& source) {
  std::map<std::string, Parts> modules;
  for (const auto& [key, tensor] : file.tensors) {
    const auto parsed = parse_key(key);
    if (!parsed || !tensor.is_floating_point()) return refused_key(source, key);
    if (!place_module(parsed->first)) return refused_key(source, key);
    Parts& parts = modules[parsed->first];
    if (parsed->second == Role::alpha) {
      if (tensor.numel() != 1) return does_not_fit(source, "\"" + key + "\" is not one number");
      parts.alpha = tensor.item<double>();
      continue;
    }
    Tensor& slot = parsed->second == Role::down ? parts.down : parts.up;
    if (slot.defined())
      return does_not_fit(source, "module \"" + parsed->first + "\" stands twice in it");
    if (tensor.dim() != 2) return does_not_fit(source, "\"" + key + "\" is not a matrix");
    slot = tensor;
  }
  return modules;
}

Result<LowRank> make_low_rank(const std::string& name, const Parts& parts,
                              const AdapterConfig& config, const std::string& source) {
  if (!parts.down.defined() || !parts.up.defined())
    return does_not_fit(source, "module \"" + name + "\" has only one of lora_A and lora_B");
  const int64_t rank = parts.down.size(0);
  if (rank == 0 || parts.up.size(1) != rank)
    return does_not_fit(source, "module \"" + name + "\" has lora_A of rank " +
                                    std::to_string(rank) + " and lora_B of rank " +
                                    std::to_string(parts.up.size(1)));
  LowRank module{name, *place_module(name), parts.down, parts.up, 1.0};
  const auto alpha = parts.alpha ? parts.alpha : find_alpha(config, name);
  const auto ranks = static_cast<double>(rank);
  if (alpha) module.scale = *alpha / (config.scales_by_root ? std::sqrt(ranks) : ranks);
  return module;
}

// The rows of a fused weight [rows, width] that are this place's.
struct Rows {
  int64_t first, count;
};
Rows rows_of(const Place& place, const Tensor& weight) {
  constexpr int kMlpPart = 3;
  const int64_t rows = weight.size(0), width = weight.size(1);
  if (place.parts == 1) return {0, rows};
  if (place.part < kMlpPart) return {place.part * width, width};
  return {kMlpPart * width, rows - kMlpPart * width};
}

// Adds factor * up down to float32 weight.
Result<void> add(Tensor& weight, const LowRank& module, double factor, const std::string& source) {
  const auto [first, count] = rows_of(module.place, weight);
  if (module.up.size(0) != count || module.down.size(1) != weight.size(1))
    return does_not_fit(source, "module \"" + module.name + "\" is for a weight of " +
                                    std::to_string(module.up.size(0)) + " x " +
                                    std::to_string(module.down.size(1)) + "; this model's has " +
                                    std::to_string(count) + " x " + std::to_string(weight.size(1)));
  const auto to_weight = [&](const Tensor& t) { return t.to(weight.device(), at::kFloat); };
  Tensor up = to_weight(module.up);
  if (module.place.swaps_halves) {
    const auto halves = up.chunk(2, 0);
    up = at::cat({halves[1], halves[0]}, 0);
  }
  weight.slice(0, first, first + count).addmm_(up, to_weight(module.down), 1.0, factor);
  return {};
}

}  // namespace

Result<Lora> load_lora(const fs::path& path) {
  const std::string source = path.string();
  const Checkpoint file = TRY(load_checkpoint(path));
  auto config = load_config(path, file);
  if (!config.ok()) return std::move(config).error().with("LoRA " + source);
  Lora lora{source, {}};
  for (const auto& [name, parts] : TRY(collect(file, source)))
    lora.modules.push_back(TRY(make_low_rank(name, parts, config.value(), source)));
  if (lora.modules.empty()) return does_not_fit(source, "it has no weights");
  return lora;
}

Result<Tensors> merge_loras(const Tensors& pristine, const std::vector<ScaledLora>& loras) {
  struct Change {
    const LowRank* module;
    double factor;
    const std::string* source;
  };
  std::map<std::string, std::vector<Change>> changes;  // by weight, so that one is open at a time
  for (const ScaledLora& scaled : loras) {
    if (!std::isfinite(scaled.scale))
      return does_not_fit(scaled.lora.source, "its scale is not a number");
    for (const LowRank& module : scaled.lora.modules)
      changes[module.place.module + ".weight"].push_back(
          {&module, scaled.scale * module.scale, &scaled.lora.source});
  }
  Tensors merged = pristine;
  for (const auto& [name, of_weight] : changes) {
    const auto found = merged.find(name);
    if (found == merged.end() || found->second.dim() != 2)
      return does_not_fit(*of_weight[0].source,
                          "module \"" + of_weight[0].module->name + "\" is not in this model");
    Tensor weight = found->second.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
    for (const Change& change : of_weight)
      TRY(add(weight, *change.module, change.factor, *change.source));
    found->second = weight.to(found->second.scalar_type());
  }
  return merged;
}

}  // namespace pirouette::flux
