// `pirouette workers`: who renders, on what, and what each has in memory.

#include <nlohmann/json.hpp>

#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

// How its weights are kept, and how many variants of LoRAs: "merged only, 1 variant".
std::string kept(const Json& residency, const std::string& model) {
  const auto models = residency.find("models");
  if (models == residency.end() || !models->is_array()) return "";
  for (const Json& each : *models) {
    if (!each.is_object() || text_of(each, "name") != model) continue;
    const auto variants = each.find("variants");
    const std::size_t count = variants != each.end() && variants->is_array() ? variants->size() : 0;
    return "; " + text_of(each, "mode") + ", " + std::to_string(count) +
           (count == 1 ? " variant" : " variants");
  }
  return "";
}

// What it has in memory, "model + LoRA + LoRA"; from there a job starts at once.
std::string holds(const Json& worker) {
  const auto residency = worker.find("residency");
  if (residency == worker.end() || !residency->is_object()) return "-";
  std::string text = text_of(*residency, "model");
  if (text.empty()) return "-";
  const std::string how = kept(*residency, text);
  const auto loras = residency->find("loras");
  if (loras == residency->end() || !loras->is_array()) return text + how;
  for (const Json& lora : *loras) text += " + " + text_of(lora, "name");
  return text + how;
}

std::string doing(const Json& worker) {
  const Json leases = worker.value("leases", Json::array());
  if (!leases.is_array() || leases.empty()) {
    const std::string quarantine = text_of(worker, "quarantine");
    if (!quarantine.empty()) return "in quarantine: " + quarantine;
    const bool refuses = text_of(worker, "state") == "online" && number_of(worker, "capacity") == 0;
    return refuses ? "takes no work; its log says why" : "idle";
  }
  const Json& first = leases.front();
  std::string text = text_of(first, "character") + " " + text_of(first, "view_id");
  if (number_of(first, "of") > 0) {
    text += " " + std::to_string(number_of(first, "step")) + "/" +
            std::to_string(number_of(first, "of"));
  }
  return leases.size() == 1 ? text : text + " +" + std::to_string(leases.size() - 1);
}

}  // namespace

Result<Exit> workers(Client& client, Console& console) {
  const Json all = TRY(client.get_all("/workers"));
  if (console.json) {
    console.out << all.dump() << "\n";
    return Exit::ok;
  }
  if (all.empty()) {
    console.out << "no worker has joined yet; start one: pirouette-worker --help\n";
    return Exit::ok;
  }
  std::vector<std::vector<std::string>> rows{
      {"worker", "name", "state", "device", "memory", "holds", "done", "failed", "doing"}};
  for (const Json& worker : all) {
    rows.push_back({std::to_string(number_of(worker, "id")), text_of(worker, "name"),
                    text_of(worker, "state"), text_of(worker, "device_name"),
                    format_bytes(number_of(worker, "memory_bytes")), holds(worker),
                    std::to_string(number_of(worker, "jobs_done")),
                    std::to_string(number_of(worker, "jobs_failed")), doing(worker)});
  }
  console.out << format_table(rows);
  return Exit::ok;
}

}  // namespace pirouette::ctl
