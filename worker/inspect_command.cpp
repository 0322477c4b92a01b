// See inspect_command.h. The command is a wall: libtorch's exceptions become errors here.

#include "worker/inspect_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>

namespace pirouette {
namespace {

using Json = nlohmann::ordered_json;

// One line of it, as long as a terminal is wide.
std::string shortened(const std::string& text) {
  constexpr std::size_t kShownMaxBytes = 90;
  std::size_t end = std::min(text.size(), kShownMaxBytes);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;  // not the half of a character
  std::string line;
  for (const char c : text.substr(0, end))
    line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return line + (end < text.size() ? "…" : "");
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

void describe_into(const flux::Inspection& seen, const std::string& indent, std::string& text) {
  const auto line = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) text += indent + name + ": " + value + '\n';
  };
  if (seen.lora) {
    text += flux::to_text(*seen.lora);
    return;
  }
  text += indent + seen.path.string() + '\n';
  line("  what", seen.title);
  line("  layout", seen.layout);
  std::vector<std::string> words;
  for (const auto& [name, size] : seen.dimensions)
    words.push_back(name + " " + std::to_string(size));
  line("  dimensions", joined(words));
  words.clear();
  for (const auto& [dtype, count] : seen.dtypes)
    words.push_back(dtype + " x " + std::to_string(count));
  line("  tensors", joined(words));
  for (const auto& [key, value] : seen.metadata)
    line("  metadata " + shortened(key), shortened(value));
  line("  this engine", seen.taken ? "takes it" : "refuses it: " + seen.why_not);
  for (const flux::Inspection& part : seen.parts) describe_into(part, indent + "  ", text);
}

Json to_json(const flux::Inspection& seen) {
  Json json;
  json["path"] = seen.path.string();
  json["kind"] = seen.kind;
  json["title"] = seen.title;
  json["layout"] = seen.layout;
  json["dimensions"] = Json::object();
  for (const auto& [name, size] : seen.dimensions) json["dimensions"][name] = size;
  json["dtypes"] = seen.dtypes;
  json["trigger_words"] = seen.trigger_words;
  json["metadata"] = seen.metadata;
  json["taken"] = seen.taken;
  json["why_not"] = seen.why_not;
  if (seen.lora) json["lora"] = flux::to_json(*seen.lora);
  json["parts"] = Json::array();
  for (const flux::Inspection& part : seen.parts) json["parts"].push_back(to_json(part));
  return json;
}

}  // namespace

std::string describe(const flux::Inspection& seen) {
  std::string text;
  describe_into(seen, "", text);
  return text;
}

std::string describe_json(const flux::Inspection& seen) {
  // What strangers wrote may be no UTF-8.
  return to_json(seen).dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

InspectCommand::InspectCommand(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "inspect",
      "Say what a file or folder is, and whether this engine takes it; reads headers only.\n"
      "Example: pirouette-worker inspect ComfyUI/models/loras/turnaround.safetensors");
  command->add_option("path", path_, "A checkpoint, LoRA, or folder of a model")->required();
  command->add_flag("--json", json_, "Print one JSON object");
}

Result<void> InspectCommand::run() const {
  try {
    const flux::Inspection seen = TRY(flux::inspect(path_));
    std::fputs((json_ ? describe_json(seen) : describe(seen)).c_str(), stdout);
    return {};
  } catch (const std::exception& error) {
    const std::string what = error.what();  // libtorch adds a stack trace after the first line
    return Error{Errc::io, what.substr(0, what.find('\n'))};
  }
}

}  // namespace pirouette
