#include "worker/flux/storage/scaled_weights.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "worker/flux/storage/json_text.h"
#include "worker/flux/storage/small_floats.h"

namespace pirouette::flux {
namespace {

using nlohmann::json;

constexpr std::string_view kMetadataKey = "_quantization_metadata";
constexpr std::array<std::string_view, 2> kScaleSuffixes = {".scale_weight", ".weight_scale"};
constexpr std::array<std::string_view, 2> kActivationSuffixes = {".scale_input", ".input_scale"};
constexpr std::string_view kFormatSuffix = ".comfy_quant";
constexpr std::string_view kOldMark = "scaled_fp8";

Result<Dtype> dtype_of(const json& layer) {
  const auto written = layer.is_object() ? layer.find("format") : layer.end();
  if (!layer.is_object() || written == layer.end() || !written->is_string())
    return Error{Errc::corrupt, "the description of a quantised layer names no format"};
  const auto format = written->get<std::string>();
  if (format == "float8_e4m3fn") return Dtype::f8_e4m3;
  if (format == "float8_e5m2") return Dtype::f8_e5m2;
  return Error{Errc::invalid, "the weights are quantised as " + shown_name(format) +
                                  ", which is not read; use the float8, bf16 or GGUF file of this "
                                  "model"};
}

// The numbers of a tensor of scales; none for a dtype that scales do not have.
std::optional<std::vector<float>> read_scales(const StoredTensor& stored) {
  const auto bytes = stored.bytes();
  std::vector<float> scales;
  for (std::size_t at = 0; at < bytes.size(); at += dtype_bytes(stored.dtype)) {
    std::uint16_t small = 0;
    float wide = 0;
    switch (stored.dtype) {
      case Dtype::f32:
        std::memcpy(&wide, bytes.data() + at, sizeof wide);
        break;
      case Dtype::f16:
        std::memcpy(&small, bytes.data() + at, sizeof small);
        wide = half_to_float(small);
        break;
      case Dtype::bf16:
        std::memcpy(&small, bytes.data() + at, sizeof small);
        wide = std::bit_cast<float>(static_cast<std::uint32_t>(small) << 16);
        break;
      default:
        return std::nullopt;
    }
    scales.push_back(wide);
  }
  return scales;
}

Error misfit(const std::string& name, const std::string& weight, const std::string& why) {
  return {Errc::corrupt,
          "tensor " + shown_name(name) + ", a scale of " + shown_name(weight) + ", " + why};
}

Result<void> join(const std::string& name, const StoredTensor& scale, const std::string& of,
                  StoredTensor& weight) {
  if (is_block(scale.dtype)) return misfit(name, of, "is not a few numbers");
  auto scales = read_scales(scale);
  if (!scales || scales->empty())
    return misfit(
        name, of,
        "is stored as " + std::string(dtype_name(scale.dtype)) + " " + shape_text(scale.shape));
  const auto rows = weight.shape.empty() ? 1 : static_cast<std::size_t>(weight.shape[0]);
  if (scales->size() != 1 && scales->size() != rows)
    return misfit(name, of,
                  "has the shape " + shape_text(scale.shape) +
                      " where there is one for "
                      "the weight or one a row of its " +
                      shape_text(weight.shape));
  for (const float value : *scales)
    if (!std::isfinite(value)) return misfit(name, of, "is not finite");
  if (!weight.scales.empty()) return misfit(name, of, "is there in both spellings");
  weight.scales = std::move(*scales);
  return {};
}

// A weight may lie in plain bytes, and its description says that they are float8.
Result<void> retype(TensorFile& file, const std::string& layer, Dtype dtype) {
  const auto weight = file.tensors.find(layer + ".weight");
  if (weight == file.tensors.end()) return {};
  if (weight->second.dtype == Dtype::u8 || weight->second.dtype == Dtype::i8)
    weight->second.dtype = dtype;
  if (weight->second.dtype != dtype)
    return Error{Errc::corrupt, "tensor " + shown_name(weight->first) + " is stored as " +
                                    std::string(dtype_name(weight->second.dtype)) +
                                    " and described as " + std::string(dtype_name(dtype))};
  return {};
}

std::optional<std::string> without_suffix(const std::string& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  return name.substr(0, name.size() - suffix.size());
}

Result<void> join_all(TensorFile& file) {
  const auto written = file.metadata.find(std::string(kMetadataKey));
  const auto described = TRY(parse_quantisation_metadata(
      written == file.metadata.end() ? std::string() : written->second));
  for (const auto& [layer, dtype] : described) TRY(retype(file, layer, dtype));
  std::vector<std::string> joined;
  for (auto& [name, stored] : file.tensors) {
    if (const auto layer = without_suffix(name, kFormatSuffix)) {
      TRY(retype(file, *layer, TRY(parse_quantisation(stored.bytes()))));
      if (file.tensors.contains(*layer + ".weight")) joined.push_back(name);
    }
    for (const std::string_view suffix : kScaleSuffixes) {
      const auto layer = without_suffix(name, suffix);
      const auto weight = layer ? file.tensors.find(*layer + ".weight") : file.tensors.end();
      if (weight == file.tensors.end()) continue;
      TRY(join(name, stored, weight->first, weight->second));
      joined.push_back(name);
    }
    for (const std::string_view suffix : kActivationSuffixes) {
      const auto layer = without_suffix(name, suffix);
      if (layer && file.tensors.contains(*layer + ".weight")) joined.push_back(name);
    }
    if (name == kOldMark || name.ends_with("." + std::string(kOldMark))) joined.push_back(name);
  }
  for (const std::string& name : joined) file.tensors.erase(name);
  return {};
}

}  // namespace

Result<Dtype> parse_quantisation(std::span<const std::uint8_t> text) {
  const auto parsed = parse_json_object(text);
  if (!parsed.ok()) return Error{Errc::corrupt, "a comfy_quant tensor " + parsed.error().what};
  return dtype_of(parsed.value());
}

Result<std::map<std::string, Dtype>> parse_quantisation_metadata(const std::string& text) {
  std::map<std::string, Dtype> dtypes;
  if (text.empty()) return dtypes;
  const auto parsed =
      parse_json_object({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  if (!parsed.ok())
    return Error{Errc::corrupt, "the header's _quantization_metadata " + parsed.error().what};
  const auto layers = parsed.value().find("layers");
  if (layers == parsed.value().end()) return dtypes;
  if (!layers->is_object())
    return Error{Errc::corrupt, "the header's _quantization_metadata has no object of layers"};
  for (const auto& [name, layer] : layers->items()) dtypes.emplace(name, TRY(dtype_of(layer)));
  return dtypes;
}

Result<TensorFile> join_scales(TensorFile file) {
  auto outcome = join_all(file);
  if (!outcome.ok()) return std::move(outcome).error().with(file.path);
  return file;
}

}  // namespace pirouette::flux
