#include "worker/flux/lora_metadata.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace pirouette::flux {
namespace {

using nlohmann::json;

constexpr std::size_t kShownMaxBytes = 160;
constexpr std::size_t kTriggerWordsMax = 5;
constexpr std::size_t kTrainingMax = 64;

constexpr std::array<std::string_view, 4> kTriggerKeys = {
    "modelspec.trigger_phrase", "trigger_phrase", "trigger_word", "trigger_words"};

// ai-toolkit's, PEFT's and diffusers'; those with a prefix are known by it.
constexpr std::array<std::string_view, 7> kPlainKeys = {
    "name",      "version", "software", "training_info", "format", "lora_adapter_metadata",
    "base_model"};

// Megabytes of them in some files.
constexpr std::array<std::string_view, 5> kLeftOut = {
    "ss_tag_frequency", "ss_bucket_info", "ss_dataset_dirs", "ss_datasets", "modelspec.thumbnail"};

template <std::size_t N>
bool is_in(const std::array<std::string_view, N>& keys, std::string_view key) {
  return std::ranges::find(keys, key) != keys.end();
}

// {"10_knight": {"tag": 12, …}, …} -> tags with how often, all folders together.
std::map<std::string, double> count_tags(const std::string& text) {
  std::map<std::string, double> counts;
  const json folders = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!folders.is_object()) return counts;
  for (const auto& [folder, tags] : folders.items()) {
    if (!tags.is_object()) continue;
    for (const auto& [tag, count] : tags.items())
      if (count.is_number()) counts[tag] += count.get<double>();
  }
  return counts;
}

}  // namespace

std::string shown(std::string_view text) {
  std::size_t end = std::min(text.size(), kShownMaxBytes);
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  while (end > 0 && end < text.size() && continues(text[end])) --end;
  std::string cut(text.substr(0, end));
  std::ranges::replace_if(
      cut, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return cut + (end < text.size() ? "…" : "");
}

std::vector<std::string> trigger_words(const std::map<std::string, std::string>& metadata) {
  std::vector<std::string> words;
  for (const std::string_view key : kTriggerKeys) {
    const auto found = metadata.find(std::string(key));
    if (found != metadata.end() && !found->second.empty()) words.push_back(shown(found->second));
  }
  const auto tags = metadata.find("ss_tag_frequency");
  if (!words.empty() || tags == metadata.end()) return words;
  const auto counts = count_tags(tags->second);
  std::vector<std::pair<std::string, double>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::ranges::greater(),
                           [](const auto& tag) { return tag.second; });
  for (const auto& [tag, count] : sorted) {
    if (words.size() == kTriggerWordsMax) break;
    words.push_back(shown(tag));
  }
  return words;
}

std::map<std::string, std::string> training_metadata(
    const std::map<std::string, std::string>& metadata) {
  std::map<std::string, std::string> training;
  for (const auto& [key, value] : metadata) {
    const bool is_known =
        key.starts_with("ss_") || key.starts_with("modelspec.") || is_in(kPlainKeys, key);
    if (!is_known || is_in(kLeftOut, key) || value.empty() || value == "None") continue;
    if (training.size() == kTrainingMax) break;
    training.emplace(shown(key), shown(value));
  }
  return training;
}

}  // namespace pirouette::flux
