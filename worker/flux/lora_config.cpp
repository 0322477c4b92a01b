#include "worker/flux/lora_config.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "common/files.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kAdapterConfigMaxBytes = 1u << 20;
constexpr std::string_view kMetadataKey = "lora_adapter_metadata";  // diffusers writes it
constexpr std::string_view kPrefix = "transformer.";                // before each setting there

// The settings under one prefix.
class Settings {
 public:
  Settings(const json& written, std::string_view prefix) : written_(written), prefix_(prefix) {}
  const json& find(const char* name) const {
    static const json none;
    const auto found = written_.find(std::string(prefix_) + name);
    return found == written_.end() ? none : *found;
  }
  bool is_on(const char* name) const { return find(name).is_boolean() && find(name).get<bool>(); }

 private:
  const json& written_;
  std::string_view prefix_;
};

Error unsupported(const std::string& what, const char* advice) {
  return {Errc::invalid, what + " is not supported; " + advice};
}

Result<AdapterConfig> parse_config(const json& written, std::string_view prefix) {
  if (!written.is_object()) return Error{Errc::corrupt, "the adapter's settings are not an object"};
  const Settings settings(written, prefix);
  if (const json& type = settings.find("peft_type"); type.is_string() && type != "LORA")
    return unsupported("PEFT's " + type.get<std::string>(),
                       "LoKr and LoHa are taken in LyCORIS' format");
  if (settings.is_on("use_dora")) return unsupported("DoRA", "merge it or train a plain LoRA");
  if (settings.is_on("fan_in_fan_out"))
    return unsupported("fan_in_fan_out", "FLUX.1's weights are not stored transposed");
  AdapterConfig config;
  config.scales_by_root = settings.is_on("use_rslora");
  if (const json& rank = settings.find("r"); rank.is_number()) config.rank = rank.get<double>();
  if (const json& ranks = settings.find("rank_pattern"); ranks.is_object())
    config.ranks_differ = !ranks.empty();
  if (const json& alpha = settings.find("lora_alpha"); alpha.is_number())
    config.alpha = alpha.get<double>();
  if (const json& patterns = settings.find("alpha_pattern"); patterns.is_object())
    for (const auto& [pattern, alpha] : patterns.items()) {
      if (!alpha.is_number() || pattern.find_first_of("^$*+?()[]{}|\\") != std::string::npos)
        return Error{Errc::invalid, "alpha_pattern \"" + pattern + "\" is not a module's name"};
      config.alpha_of.emplace(pattern, alpha.get<double>());
    }
  return config;
}

}  // namespace

std::optional<double> AdapterConfig::find_alpha(const std::string& module) const {
  for (const auto& [name, of_module] : alpha_of)
    if (module == name || module.ends_with('.' + name)) return of_module;
  return alpha;
}

Result<AdapterConfig> load_adapter_config(const fs::path& path,
                                          const std::map<std::string, std::string>& metadata) {
  if (const auto written = metadata.find(std::string(kMetadataKey)); written != metadata.end())
    return parse_config(json::parse(written->second, nullptr, /*allow_exceptions=*/false), kPrefix);
  std::error_code failed;
  const fs::path config = path / "adapter_config.json";
  if (!fs::is_directory(path, failed) || !fs::exists(config, failed)) return AdapterConfig{};
  const auto bytes = TRY(read_file(config, kAdapterConfigMaxBytes));
  return parse_config(json::parse(bytes.begin(), bytes.end(), nullptr, /*allow_exceptions=*/false),
                      "");
}

}  // namespace pirouette::flux
