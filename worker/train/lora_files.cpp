#include "worker/train/lora_files.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>

#include "common/files.h"
#include "worker/flux/lora.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Metadata = std::map<std::string, std::string>;

const std::string kDiffusersPrefix = "transformer.";

// The canonical order is shift, scale; diffusers' is scale, shift. The other way is the same way.
Tensor swap_halves(const Tensor& rows) { return at::roll(rows, rows.size(0) / 2, 0); }

Tensors spelled_by_diffusers(const std::string& prefix, const TrainedLora& lora,
                             const Tensors& learnt, at::ScalarType dtype) {
  Tensors file;
  for (const Target& target : lora.targets) {
    const Tensor& up = learnt.at(up_name(target));
    file.emplace(prefix + down_name(target), learnt.at(down_name(target)).to(dtype));
    file.emplace(prefix + up_name(target),
                 (target.place.swaps_halves ? swap_halves(up) : up).to(dtype));
  }
  return file;
}

json settings(const TrainedLora& lora) {
  return {{"r", lora.options.rank},
          {"lora_alpha", lora.options.alpha},
          {"lora_dropout", 0.0},
          {"bias", "none"},
          {"use_dora", false},
          {"use_rslora", false},
          {"target_modules", lora.options.target_modules},
          {"base_model_name_or_path", lora.base_model}};
}

Result<void> save_peft(const fs::path& folder, const TrainedLora& lora, const Tensors& learnt,
                       at::ScalarType dtype) {
  fs::create_directories(folder);
  json config = settings(lora);
  config["peft_type"] = "LORA";
  config["task_type"] = nullptr;
  config["inference_mode"] = true;
  config["fan_in_fan_out"] = false;
  config["init_lora_weights"] = true;
  if (config["target_modules"] == json::array({"all-linear"}))
    config["target_modules"] = "all-linear";
  TRY(write_file_durably(folder / "adapter_config.json", config.dump(2) + '\n'));
  return flux::save_safetensors(folder / "adapter_model.safetensors",
                                spelled_by_diffusers("base_model.model.", lora, learnt, dtype),
                                {{"format", "pt"}});
}

Result<void> save_diffusers(const fs::path& file, const TrainedLora& lora, const Tensors& learnt,
                            at::ScalarType dtype) {
  json prefixed = json::object();
  const json written = settings(lora);
  for (const auto& [name, value] : written.items()) prefixed["transformer." + name] = value;
  Metadata metadata = lora.metadata;
  metadata["format"] = "pt";
  metadata["lora_adapter_metadata"] = prefixed.dump();
  return flux::save_safetensors(file, spelled_by_diffusers(kDiffusersPrefix, lora, learnt, dtype),
                                metadata);
}

std::string kohya_name(std::string module) {
  std::ranges::replace(module, '.', '_');
  return "lora_unet_" + module;
}

Result<void> save_kohya(const fs::path& file, const TrainedLora& lora, const Tensors& learnt,
                        at::ScalarType dtype) {
  std::map<std::string, std::vector<const Target*>> modules;  // fused, by canonical name
  for (const Target& target : lora.targets) modules[target.place.module].push_back(&target);
  Tensors tensors;
  for (const auto& [module, parts] : modules) {
    std::vector<Tensor> downs, ups;
    for (const Target* part : parts) {
      const std::int64_t rows_after = part->all_rows - part->first_row - part->out;
      downs.push_back(learnt.at(down_name(*part)));
      ups.push_back(
          at::constant_pad_nd(learnt.at(up_name(*part)), {0, 0, part->first_row, rows_after}));
    }
    const Tensor down = at::cat(downs, 0);
    const std::string name = kohya_name(module);
    tensors.emplace(name + ".lora_down.weight", down.to(dtype));
    tensors.emplace(name + ".lora_up.weight", at::cat(ups, 1).to(dtype));
    // Readers divide by this module's own rank.
    tensors.emplace(
        name + ".alpha",
        at::full({}, lora.options.scale() * static_cast<double>(down.size(0)), at::kFloat));
  }
  Metadata metadata = lora.metadata;
  metadata["ss_network_module"] = "networks.lora_flux";
  metadata["ss_network_dim"] = std::to_string(lora.options.rank);
  metadata["ss_network_alpha"] = json(lora.options.alpha).dump();
  metadata["ss_base_model_version"] = "flux1";
  metadata["modelspec.architecture"] = "flux-1-kontext-dev/lora";
  return flux::save_safetensors(file, tensors, metadata);
}

}  // namespace

Result<void> save_lora(const fs::path& folder, const TrainedLora& lora, const Tensors& learnt,
                       at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  TRY(save_peft(folder / "adapter", lora, learnt, dtype));
  TRY(save_diffusers(folder / "pytorch_lora_weights.safetensors", lora, learnt, dtype));
  return save_kohya(folder / "lora_kohya.safetensors", lora, learnt, dtype);
}

Result<Tensors> load_factors(const fs::path& file, const std::vector<Target>& targets,
                             const LoraOptions& options) {
  const flux::Checkpoint stored = TRY(flux::load_checkpoint(file));
  const auto unfit = [&](const std::string& what) {
    return Error{Errc::invalid, "--network_weights " + file.string() + ": " + what +
                                    "; it must be a pytorch_lora_weights.safetensors of this "
                                    "trainer's, of the same --rank, --lora_alpha and "
                                    "--target_modules"};
  };
  Tensors factors;
  for (const Target& target : targets) {
    for (const auto& [name, rows, columns] :
         {std::tuple{down_name(target), options.rank, target.in},
          std::tuple{up_name(target), target.out, options.rank}}) {
      const auto found = stored.tensors.find(kDiffusersPrefix + name);
      if (found == stored.tensors.end()) return unfit(name + " is not in it");
      if (found->second.sizes() != at::IntArrayRef{rows, columns})
        return unfit(name + " has another shape");
      factors[name] = found->second.to(at::kFloat);
    }
    if (target.place.swaps_halves)
      factors[up_name(target)] = swap_halves(factors.at(up_name(target)));
  }
  if (factors.size() != stored.tensors.size()) return unfit("it changes more modules");
  const double scale = TRY(flux::load_lora(file)).modules.front().scale;
  if (std::abs(scale - options.scale()) > 1e-6 * scale)
    return unfit("its lora_alpha is " + json(scale * static_cast<double>(options.rank)).dump());
  return factors;
}

}  // namespace pirouette::train
