#include "coordinator/ctl/registered.h"

#include <nlohmann/json.hpp>

#include "coordinator/ctl/format.h"

namespace pirouette::ctl {

Registered find_registered(Client& client, const Recipe& recipe) {
  Registered found{{}, recipe};
  for (RecipeLora& lora : found.pinned.loras) {
    const auto row = client.get("/loras/" + path_segment(lora.name));
    if (!row.ok()) continue;
    found.triggers[lora.name] = text_of(row.value(), "trigger");
    const auto digest = parse_digest(text_of(row.value(), "sha256"));
    if (lora.sha256 || !digest.ok()) continue;
    lora.sha256 = digest.value();
    lora.bytes = number_of(row.value(), "bytes");
  }
  return found;
}

}  // namespace pirouette::ctl
