// `pirouette models`: the models and LoRAs that recipes may name, and which workers hold them.

#include <nlohmann/json.hpp>

#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

Json list_of(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_array() ? *found : Json::array();
}

// "gpu-1 resident, gpu-2 cached"
std::string holders(const Json& held) {
  std::string text;
  for (const Json& worker : list_of(held, "workers")) {
    if (!worker.is_object()) continue;
    text += (text.empty() ? "" : ", ") + printable(text_of(worker, "name")) + " " +
            printable(text_of(worker, "holds"));
  }
  return text.empty() ? "-" : text;
}

std::string trigger_of(const Json& lora) {
  const std::string trigger = text_of(lora, "trigger");
  return trigger.empty() ? "-" : "\"" + printable(trigger) + "\"";
}

}  // namespace

Result<Exit> models(Client& client, Console& console) {
  const Json all = TRY(client.get("/models"));
  if (console.json) {
    console.out << all.dump() << "\n";
    return Exit::ok;
  }
  std::vector<std::vector<std::string>> models{{"model", "workers"}};
  for (const Json& model : list_of(all, "models")) {
    models.push_back({printable(text_of(model, "name")), holders(model)});
  }
  std::vector<std::vector<std::string>> loras{{"LoRA", "size", "sha256", "trigger", "workers"}};
  for (const Json& lora : list_of(all, "loras")) {
    const bool travels = lora.is_object() && lora.value("registered", Json()) == true;
    loras.push_back({printable(text_of(lora, "name")),
                     travels ? format_bytes(number_of(lora, "bytes")) : "-",
                     travels ? text_of(lora, "sha256").substr(0, 10) : "own folders",
                     trigger_of(lora), holders(lora)});
  }
  if (models.size() == 1) {
    console.out << "no online worker has a model; start one: pirouette-worker serve --help\n";
  } else {
    console.out << format_table(models);
  }
  if (loras.size() == 1) {
    console.out << "\nno LoRA is registered; do it with pirouette lora add NAME FILE\n";
  } else {
    console.out << "\n" << format_table(loras);
  }
  return Exit::ok;
}

}  // namespace pirouette::ctl
