// `pirouette workers`: who renders, on what, and what each has in memory.

#include <nlohmann/json.hpp>

#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

std::string doing(const Json& worker) {
  const Json leases = worker.value("leases", Json::array());
  if (!leases.is_array() || leases.empty()) return "idle";
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
      {"worker", "name", "state", "device", "memory", "done", "failed", "doing"}};
  for (const Json& worker : all) {
    rows.push_back({std::to_string(number_of(worker, "id")), text_of(worker, "name"),
                    text_of(worker, "state"), text_of(worker, "device_name"),
                    format_bytes(number_of(worker, "memory_bytes")),
                    std::to_string(number_of(worker, "jobs_done")),
                    std::to_string(number_of(worker, "jobs_failed")), doing(worker)});
  }
  console.out << format_table(rows);
  return Exit::ok;
}

}  // namespace pirouette::ctl
