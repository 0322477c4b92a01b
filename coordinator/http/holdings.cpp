#include "coordinator/http/holdings.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace pirouette::http {
namespace {

using nlohmann::json;

json find(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : json();
}

std::string text_at(const json& object, const char* key) {
  const json text = find(object, key);
  return text.is_string() ? text.get<std::string>() : "";
}

// What one worker's residency says; names and digests as it writes them.
struct Said {
  std::set<std::string> models;
  std::set<std::string> names, digests;  // of LoRAs in memory
  std::set<std::string> cached;          // digests

  explicit Said(const std::string& residency) {
    const json said = json::parse(residency, nullptr, false);
    for (const json& model : find(said, "models")) {
      models.insert(text_at(model, "name"));
      for (const json& variant : find(model, "variants")) {
        if (!variant.is_array()) continue;
        for (const json& lora : variant) {
          const std::string sha256 = text_at(lora, "sha256");
          (sha256.empty() ? names : digests)
              .insert(sha256.empty() ? text_at(lora, "name") : sha256);
        }
      }
    }
    for (const json& lora : find(find(said, "lora_cache"), "loras")) {
      cached.insert(text_at(lora, "sha256"));
    }
  }
};

bool is_there(const core::Worker& worker) {
  return worker.state == core::WorkerState::online || worker.state == core::WorkerState::draining;
}

template <typename Held>
std::vector<Held> listed(std::map<std::string, Held>&& by_name) {
  std::vector<Held> all;
  for (auto& [name, held] : by_name) all.push_back(std::move(held));
  return all;
}

}  // namespace

Holdings find_holdings(const std::vector<core::Lora>& registered,
                       const std::vector<store::WorkerRow>& workers) {
  std::map<std::string, HeldModel> models;
  std::map<std::string, HeldLora> travelling, in_folders;
  for (const core::Lora& lora : registered) travelling[lora.name].lora = lora;
  for (const store::WorkerRow& row : workers) {
    const core::Worker& worker = row.worker;
    if (!is_there(worker)) continue;
    const Said said(worker.residency);
    const auto holder = [&](Hold hold) { return Holder{worker.id, worker.name, hold}; };
    for (const std::string& name : worker.models) {
      HeldModel& model = models[name];
      model.name = name;
      model.holders.push_back(holder(said.models.contains(name) ? Hold::resident : Hold::disk));
    }
    for (const std::string& name : worker.loras) {
      HeldLora& lora = in_folders[name];
      lora.lora.name = name;
      lora.holders.push_back(holder(said.names.contains(name) ? Hold::resident : Hold::disk));
    }
    for (auto& [name, held] : travelling) {
      const std::string digest = to_hex(held.lora.sha256);
      const bool resident = said.digests.contains(digest);
      if (!resident && !said.cached.contains(digest)) continue;
      held.holders.push_back(holder(resident ? Hold::resident : Hold::cached));
    }
  }
  Holdings all{listed(std::move(models)), listed(std::move(travelling))};
  for (HeldLora& lora : listed(std::move(in_folders))) all.loras.push_back(std::move(lora));
  return all;
}

}  // namespace pirouette::http
