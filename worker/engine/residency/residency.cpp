#include "worker/engine/residency/residency.h"

#include <algorithm>
#include <array>

namespace pirouette::engine {
namespace {

constexpr std::uint64_t kWorkingParts = 8;

// What a rendering takes beside the weights. Measured on an H100, float8 of 14.2 GiB: the
// allocator's most was 17.25 GiB at 1024 x 1024, and CUDA's own 0.7 GiB.
constexpr std::uint64_t kRenderingBytes = std::uint64_t{4} << 30;

// bfloat16 takes 25 GiB while it renders.
constexpr std::uint64_t kWideDeviceBytes = std::uint64_t{32} << 30;

constexpr std::array<ResidencyMode, 3> kModes = {
    ResidencyMode::pristine_on_device, ResidencyMode::pristine_on_host, ResidencyMode::merged_only};

std::string option_of(ResidencyMode mode) {
  std::string option(name(mode));
  std::ranges::replace(option, ' ', '-');
  return option;
}

std::string in_mib(std::uint64_t bytes) {
  constexpr int kMibBits = 20;
  return std::to_string((bytes + (1u << kMibBits) - 1) >> kMibBits) + " MiB";
}

}  // namespace

std::string_view name(ResidencyMode mode) {
  switch (mode) {
    case ResidencyMode::pristine_on_device:
      return "pristine on device";
    case ResidencyMode::pristine_on_host:
      return "pristine on host";
    case ResidencyMode::merged_only:
      return "merged only";
  }
  PIROUETTE_CHECK(false);
}

Result<std::optional<ResidencyMode>> parse_residency_mode(std::string_view text) {
  if (text == "auto") return std::optional<ResidencyMode>();
  std::string known = "auto";
  for (const ResidencyMode mode : kModes) {
    if (text == option_of(mode)) return std::optional(mode);
    known += ", " + option_of(mode);
  }
  return Error{Errc::invalid, "residency \"" + std::string(text) + "\" is none of these: " + known};
}

std::uint64_t working_bytes(std::uint64_t budget_bytes) { return budget_bytes / kWorkingParts; }

std::uint64_t standing_bytes(const ModelBytes& model, bool keeps_text_encoders) {
  return model.transformer + model.autoencoder + (keeps_text_encoders ? model.text_encoders : 0);
}

bool streams_text_encoders(const ModelBytes& model, const MemoryBudget& budget,
                           bool keeps_text_encoders) {
  const std::uint64_t beside = model.text_encoders + working_bytes(budget.device_bytes) / 4;
  return !keeps_text_encoders && model.text_encoders <= budget.host_bytes &&
         standing_bytes(model, false) + beside > budget.device_bytes;
}

bool keeps_modulations_on_host(const ModelBytes& model, const MemoryBudget& budget,
                               bool keeps_text_encoders) {
  return model.modulations > 0 && model.modulations <= budget.host_bytes &&
         standing_bytes(model, keeps_text_encoders) + kRenderingBytes > budget.device_bytes;
}

ModelBytes with_modulations_on_host(ModelBytes model) {
  model.pristine = (model.pristine > 0 ? model.pristine : model.transformer) + model.modulations;
  model.transformer -= model.modulations;
  model.modulations = 0;
  return model;
}

Result<WeightsAs> parse_weights_as(std::string_view text) {
  if (text == "auto") return WeightsAs::automatic;
  if (text == "wide") return WeightsAs::wide;
  if (text == "float8") return WeightsAs::float8;
  return Error{Errc::invalid,
               "weights \"" + std::string(text) + "\" are none of these: auto, wide, float8"};
}

bool takes_float8(WeightsAs as, std::uint64_t device_bytes, bool has_float8) {
  if (as != WeightsAs::automatic) return as == WeightsAs::float8;
  return has_float8 && device_bytes < kWideDeviceBytes;
}

Result<ResidencyMode> choose_mode(const ModelBytes& model, const MemoryBudget& budget,
                                  bool keeps_text_encoders) {
  const bool come_whole =
      !keeps_text_encoders && !streams_text_encoders(model, budget, keeps_text_encoders);
  const std::uint64_t passing =
      std::max(working_bytes(budget.device_bytes), come_whole ? model.text_encoders : 0);
  const std::uint64_t least = standing_bytes(model, keeps_text_encoders) + passing;
  const std::uint64_t pristine = model.pristine > 0 ? model.pristine : model.transformer;
  if (least + model.transformer + model.pristine <= budget.device_bytes)
    return ResidencyMode::pristine_on_device;
  if (least <= budget.device_bytes && pristine <= budget.host_bytes)
    return ResidencyMode::pristine_on_host;
  if (least <= budget.device_bytes) return ResidencyMode::merged_only;
  return Error{Errc::invalid, "the model needs " + in_mib(least) + " of memory and the budget is " +
                                  in_mib(budget.device_bytes) +
                                  "; raise --memory-budget, or take a device with more memory or a "
                                  "smaller model"};
}

void Residency::hold(const std::string& model, const std::string& variant, std::uint64_t bytes) {
  std::erase_if(held_, [&](const Held& h) { return h.model == model && h.variant == variant; });
  held_.insert(held_.begin(), {model, variant, bytes});
}

void Residency::use(const std::string& model, const std::string& variant) {
  // Whoever uses a variant uses its model too.
  for (const std::string& which : {std::string(), variant}) {
    const auto found = std::ranges::find_if(
        held_, [&](const Held& h) { return h.model == model && h.variant == which; });
    if (found != held_.end()) std::rotate(held_.begin(), found, found + 1);
  }
}

void Residency::drop(const std::string& model, const std::string& variant) {
  std::erase_if(held_, [&](const Held& h) {
    return h.model == model && (variant.empty() || h.variant == variant);
  });
}

std::vector<Residency::Held> Residency::to_let_go(std::uint64_t bytes, Stay stay,
                                                  const std::string& model,
                                                  const std::string& variant) const {
  const std::uint64_t limit =
      budget_bytes_ - (stay == Stay::lasting ? working_bytes(budget_bytes_) : 0);
  std::uint64_t have = held_bytes();
  std::vector<Held> going;
  const auto fits = [&] { return have + bytes <= limit; };
  for (auto it = held_.rbegin(); it != held_.rend() && !fits(); ++it) {
    if (it->variant.empty() || (it->model == model && it->variant == variant)) continue;
    going.push_back(*it);
    have -= it->bytes;
  }
  for (auto it = held_.rbegin(); it != held_.rend() && !fits(); ++it) {
    if (!it->variant.empty() || it->model == model) continue;
    going.push_back(*it);  // its variants went before
    have -= it->bytes;
  }
  return going;
}

std::uint64_t Residency::held_bytes() const {
  std::uint64_t bytes = 0;
  for (const Held& held : held_) bytes += held.bytes;
  return bytes;
}

}  // namespace pirouette::engine
