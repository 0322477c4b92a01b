// `pirouette status`: how the farm is, or how one batch is and what failed in it.

#include <map>
#include <nlohmann/json.hpp>

#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

constexpr std::size_t kBarWidth = 20;
// Failures are listed up to here; the page shows all.
constexpr std::size_t kFailuresShownMax = 20;

Result<Exit> farm_status(Client& client, Console& console) {
  const Json health = TRY(client.get("/health"));
  const Json batches = TRY(client.get("/batches?limit=20"));
  if (console.json) {
    console.out << Json{{"health", health}, {"batches", batches["items"]}}.dump() << "\n";
    return Exit::ok;
  }
  console.out << "coordinator " << text_of(health, "version") << ": "
              << count_of(number_of(health, "workers_online"), "worker") << " online, "
              << count_of(number_of(health, "running"), "job") << " running, "
              << number_of(health, "queued") << " queued\n";
  if (const std::string stopped = stopped_line(health); !stopped.empty()) {
    console.out << stopped << "\n";
  }
  if (batches["items"].empty()) {
    console.out << "no batches yet; submit one: pirouette submit FOLDER\n";
    return Exit::ok;
  }
  std::vector<std::vector<std::string>> rows{{"batch", "name", "owner", "progress"}};
  for (const Json& batch : batches["items"]) {
    rows.push_back({std::to_string(number_of(batch, "id")), text_of(batch, "name"),
                    text_of(batch, "owner"), batch_line(batch, kBarWidth)});
  }
  console.out << format_table(rows);
  for (const Json& batch : batches["items"]) {
    const std::string id = std::to_string(number_of(batch, "id"));
    const std::string late = late_line(batch), waiting = waiting_line(batch);
    if (!late.empty()) console.out << "batch " << id << " " << late << "\n";
    if (!waiting.empty()) console.out << "batch " << id << " is " << waiting << "\n";
  }
  return Exit::ok;
}

}  // namespace

void say_failures(const Json& sheets, Console& console) {
  std::size_t shown = 0, more = 0;
  for (const Json& sheet : sheets) {
    for (const Json& pose : sheet.value("poses", Json::array())) {
      if (text_of(pose, "state") != "failed") continue;
      if (++shown > kFailuresShownMax) {
        ++more;
        continue;
      }
      console.out << "  failed: " << text_of(sheet, "character") << " " << text_of(pose, "view_id")
                  << " after " << count_of(number_of(pose, "attempts"), "attempt") << ": "
                  << text_of(pose, "error") << "\n";
    }
  }
  if (more > 0) console.out << "  and " << more << " more\n";
}

Result<Exit> status(Client& client, std::optional<std::uint64_t> batch, Console& console) {
  if (!batch) return farm_status(client, console);
  const std::string path = "/batches/" + std::to_string(*batch);
  const Json shown = TRY(client.get(path));
  const Json sheets = TRY(client.get_all(path + "/sheets"));
  if (console.json) {
    console.out << Json{{"batch", shown}, {"sheets", sheets}}.dump() << "\n";
    return Exit::ok;
  }
  std::map<std::string, std::uint64_t> by_state;
  for (const Json& sheet : sheets) ++by_state[text_of(sheet, "state")];
  console.out << "batch " << *batch << " \"" << text_of(shown, "name") << "\"\n"
              << batch_line(shown, kBarWidth) << "\n";
  if (const std::string late = late_line(shown); !late.empty()) console.out << late << "\n";
  if (const std::string waiting = waiting_line(shown); !waiting.empty()) {
    console.out << waiting << "\n";
  }
  console.out << "sheets:";
  for (const auto& [state, count] : by_state) console.out << " " << count << " " << state;
  console.out << "\n";
  say_failures(sheets, console);
  return Exit::ok;
}

}  // namespace pirouette::ctl
