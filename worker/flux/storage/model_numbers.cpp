#include "worker/flux/storage/model_numbers.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "worker/flux/storage/config.h"
#include "worker/flux/storage/json_text.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// More than any model has of anything counted here; keeps arithmetic far from overflow.
constexpr std::int64_t kCountMax = 1 << 20;

Error broken(const std::string& part, const std::string& name, const std::string& what) {
  return {Errc::corrupt, part + "'s " + name + " is not " + what};
}

Result<void> read_count(const json& config, const std::string& part, const char* name,
                        std::int64_t& count) {
  const auto found = config.find(name);
  if (found == config.end() || found->is_null()) return {};
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() == 0 ||
      found->get<std::uint64_t>() > static_cast<std::uint64_t>(kCountMax))
    return broken(part, name, "a whole number from 1 to " + std::to_string(kCountMax));
  count = found->get<std::int64_t>();
  return {};
}

Result<void> read_number(const json& config, const std::string& part, const char* name,
                         double& number) {
  const auto found = config.find(name);
  if (found == config.end() || found->is_null()) return {};
  if (!found->is_number() || !std::isfinite(found->get<double>()))
    return broken(part, name, "a number");
  number = found->get<double>();
  return {};
}

Result<void> read_axes(const json& config, const std::string& part, RopeAxes& axes) {
  const auto written = config.find("axes_dims_rope");
  if (written == config.end() || written->is_null()) return {};
  RopeAxes read{};
  bool right = written->is_array() && written->size() == read.size();
  for (std::size_t i = 0; right && i < read.size(); ++i) {
    const json& axis = (*written)[i];
    right = axis.is_number_unsigned() && axis.get<std::uint64_t>() > 0 &&
            axis.get<std::uint64_t>() <= static_cast<std::uint64_t>(kCountMax) &&
            axis.get<std::uint64_t>() % 2 == 0;
    if (right) read[i] = axis.get<std::int64_t>();
  }
  if (!right) return broken(part, "axes_dims_rope", "three even numbers");
  axes = read;
  return {};
}

Result<void> read_shift(const json& config, const std::string& part, Shift& shift) {
  TRY(read_number(config, part, "base_shift", shift.base));
  TRY(read_number(config, part, "max_shift", shift.max));
  TRY(read_count(config, part, "base_image_seq_len", shift.base_tokens));
  TRY(read_count(config, part, "max_image_seq_len", shift.max_tokens));
  if (shift.max_tokens <= shift.base_tokens)
    return broken(part, "max_image_seq_len", "above its base_image_seq_len");
  return {};
}

Result<void> read_autoencoder(const json& config, const std::string& part,
                              AutoencoderNumbers& autoencoder) {
  TRY(read_number(config, part, "scaling_factor", autoencoder.scale));
  TRY(read_number(config, part, "shift_factor", autoencoder.shift));
  TRY(read_count(config, part, "norm_num_groups", autoencoder.norm_groups));
  if (autoencoder.scale == 0) return broken(part, "scaling_factor", "a number other than 0");
  return {};
}

constexpr const char* kParts[] = {"transformer", "text_encoder", "text_encoder_2", "vae",
                                  "scheduler"};

}  // namespace

Result<void> read_numbers(const json& config, const std::string& part, ModelNumbers& numbers) {
  if (!config.is_object()) return Error{Errc::corrupt, part + " is not a JSON object"};
  if (part == "transformer") return read_axes(config, part, numbers.axes);
  if (part == "text_encoder")
    return read_count(config, part, "num_attention_heads", numbers.clip_heads);
  if (part == "vae") return read_autoencoder(config, part, numbers.autoencoder);
  if (part == "scheduler") return read_shift(config, part, numbers.shift);
  return {};
}

Result<SideFile> parse_side_file(std::span<const std::uint8_t> text) {
  const json written = TRY(parse_json_object(text));
  SideFile side;
  for (const char* part : kParts)
    if (const auto found = written.find(part); found != written.end())
      TRY(read_numbers(*found, part, side.numbers));
  const auto files = written.find("files");
  if (files == written.end()) return side;
  if (!files->is_object()) return Error{Errc::corrupt, "files is not a JSON object"};
  for (const auto& [part, path] : files->items()) {
    if (!path.is_string() || path.get<std::string>().empty())
      return Error{Errc::corrupt, "files names no path for " + part};
    side.files.emplace(part, path.get<std::string>());
  }
  return side;
}

Result<ModelNumbers> load_diffusers_numbers(const fs::path& folder) {
  ModelNumbers numbers;
  std::error_code failed;
  for (const std::string part : kParts) {
    const fs::path path =
        folder / part / (part == "scheduler" ? "scheduler_config.json" : "config.json");
    if (!fs::exists(path, failed)) continue;
    auto read = read_numbers(TRY(load_config(path)), part, numbers);
    if (!read.ok()) return std::move(read).error().with(path);
  }
  return numbers;
}

}  // namespace pirouette::flux
