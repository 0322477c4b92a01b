// `pirouette cancel`: no more of a batch is rendered; what is done stays.

#include <nlohmann/json.hpp>

#include "coordinator/ctl/commands.h"

namespace pirouette::ctl {

Result<Exit> cancel(Client& client, std::uint64_t batch, Console& console) {
  const Json answer =
      TRY(client.post("/batches/" + std::to_string(batch) + "/cancel", std::string()));
  if (console.json) {
    console.out << answer.dump() << "\n";
  } else {
    console.out << "batch " << batch
                << " is cancelled; what was rendered stays and can be fetched\n";
  }
  return Exit::ok;
}

}  // namespace pirouette::ctl
