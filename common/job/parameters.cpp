#include "common/job/parameters.h"

#include <cstdio>
#include <optional>

#include "common/version.h"

namespace pirouette {
namespace {

// What the field calls short: a model's first 10 digits of the file's hash, a LoRA's first 12 of
// its tensors' hash (A1111's networks; Civitai knows them as AutoV2 and AutoV3).
constexpr std::size_t kModelDigits = 10, kLoraDigits = 12;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string in_one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return line;
}

bool is_guided(const RenderSpec& spec) {
  return spec.true_cfg > 1 && !spec.negative_prompt.empty();
}

std::string lora_tags(const RenderSpec& spec) {
  std::string tags;
  for (const RecipeLora& lora : spec.loras) {
    tags += " <lora:" + lora.name + ":" + number(lora.scale) + ">";
  }
  return tags;
}

std::string lora_hashes(const RenderSpec& spec, const WeightDigests& weights) {
  std::string hashes;
  for (std::size_t i = 0; i < spec.loras.size() && i < weights.loras.size(); ++i) {
    const std::string& digest = weights.loras[i].tensors_sha256;
    if (digest.empty()) continue;
    hashes +=
        (hashes.empty() ? "" : ", ") + spec.loras[i].name + ": " + digest.substr(0, kLoraDigits);
  }
  return hashes;
}

// seed: none where several pictures have their own.
std::string settings(const RenderSpec& spec, const WeightDigests& weights,
                     std::optional<std::uint64_t> seed) {
  std::string line = "Steps: " + std::to_string(spec.steps) +
                     ", Sampler: Euler, Schedule type: Simple, CFG scale: " +
                     number(is_guided(spec) ? spec.true_cfg : 1) +
                     ", Distilled CFG Scale: " + number(spec.guidance);
  if (seed) line += ", Seed: " + std::to_string(*seed);
  line += ", Size: " + std::to_string(spec.width) + "x" + std::to_string(spec.height);
  if (!weights.model.empty()) line += ", Model hash: " + weights.model.substr(0, kModelDigits);
  line += ", Model: " + spec.model + ", RNG: CPU";
  const std::string hashes = lora_hashes(spec, weights);
  if (!hashes.empty()) line += ", Lora hashes: \"" + hashes + "\"";
  if (!spec.step_cache.is_off()) line += ", Step cache: \"" + to_text(spec.step_cache) + "\"";
  return line + ", Version: " + std::string(tool_name());
}

std::string assemble(const std::string& prompt, const RenderSpec& spec,
                     const std::string& settings) {
  std::string text = prompt + lora_tags(spec) + "\n";
  if (is_guided(spec)) text += "Negative prompt: " + in_one_line(spec.negative_prompt) + "\n";
  return text + settings;
}

}  // namespace

std::string make_parameters(const RenderSpec& spec, const WeightDigests& weights) {
  return assemble(in_one_line(spec.prompt), spec, settings(spec, weights, spec.seed));
}

std::string make_parameters(const std::vector<std::string>& prompts, const RenderSpec& first,
                            const WeightDigests& weights) {
  std::string all;
  for (const std::string& prompt : prompts) {
    all += (all.empty() ? "" : "\n") + in_one_line(prompt);
  }
  return assemble(all, first, settings(first, weights, std::nullopt));
}

}  // namespace pirouette
