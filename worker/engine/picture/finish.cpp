#include "worker/engine/picture/finish.h"

#include <nlohmann/json.hpp>

#include "common/image/flatness.h"
#include "common/image/provenance.h"
#include "common/version.h"

namespace pirouette::engine {
namespace {

using nlohmann::ordered_json;

std::string metrics_of(const RenderSpec& spec, const Circumstances& circumstances) {
  ordered_json seconds = ordered_json::object(), loras = ordered_json::array();
  double total = 0;
  for (const auto& [part, taken] : circumstances.seconds) {
    seconds[part] = taken;
    total += taken;
  }
  const auto& known = circumstances.weights.loras;
  for (std::size_t i = 0; i < spec.loras.size(); ++i) {
    ordered_json lora{{"name", spec.loras[i].name}, {"scale", spec.loras[i].scale}};
    if (i < known.size()) {
      lora["sha256"] = known[i].sha256;
      lora["tensors_sha256"] = known[i].tensors_sha256;
    }
    loras.push_back(std::move(lora));
  }
  return ordered_json{{"seconds", std::move(seconds)},
                      {"render_seconds", total},
                      {"device", circumstances.device.kind},
                      {"device_name", circumstances.device.name},
                      {"dtype", circumstances.dtype},
                      {"build", circumstances.build},
                      {"version", version()},
                      {"model", spec.model},
                      {"model_hash", circumstances.weights.model},
                      {"loras", std::move(loras)}}
      .dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

RenderOutcome finish_picture(const RenderSpec& spec, const Image& image,
                             const Circumstances& circumstances) {
  if (const auto flatness = find_flatness(image)) {
    return {RenderError{Failure::retryable, false,
                        "the picture is flat: " + *flatness +
                            "; the model, a LoRA or its scale is broken, or the device is"}};
  }
  auto png = encode_png(
      image, provenance_texts(make_parameters(spec, circumstances.weights), tool_name()));
  if (!png.ok()) return {RenderError{Failure::retryable, false, png.error().what}};
  return {Rendering{std::move(png).value(), metrics_of(spec, circumstances)}};
}

}  // namespace pirouette::engine
