// `pirouette drain`: a worker finishes what it has and gets nothing new.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {

Result<std::uint64_t> find_worker(Client& client, const std::string& worker) {
  const Json all = TRY(client.get_all("/workers"));
  std::string names;
  for (const Json& one : all) {
    const std::uint64_t id = number_of(one, "id");
    const std::string name = text_of(one, "name");
    if (name == worker || std::to_string(id) == worker) return id;
    names += (names.empty() ? "" : ", ") + name;
  }
  return Error{Errc::not_found, "there is no worker \"" + worker +
                                    "\"; there are: " + (names.empty() ? "none yet" : names)};
}

Result<Exit> drain(Client& client, const std::string& worker, Console& console) {
  const std::uint64_t id = TRY(find_worker(client, worker));
  const Json answer = TRY(client.post("/workers/" + std::to_string(id) + "/drain", std::string()));
  if (console.json) {
    console.out << answer.dump() << "\n";
  } else {
    console.out << "worker " << worker << " finishes what it has and gets nothing new\n";
  }
  return Exit::ok;
}

}  // namespace pirouette::ctl
