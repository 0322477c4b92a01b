// LoRAs that travel: registered under a name, pinned to their bytes when a batch names them,
// fetched by workers. A name stands for one file's bytes at a time. Batches keep those that they
// were submitted with, whatever becomes of the name.

#include <algorithm>

#include "coordinator/core/impl.h"
#include "coordinator/core/ledger.h"

namespace pirouette::core {
namespace {

// "turnaround: sha256 …, 171000000 bytes, by ada"
std::string say(const Lora& lora, const std::string& by) {
  std::string text =
      lora.name + ": sha256 " + to_hex(lora.sha256) + ", " + std::to_string(lora.bytes) + " bytes";
  if (!lora.trigger.empty()) text += ", trigger \"" + lora.trigger + "\"";
  return by.empty() ? text : text + ", by " + by;
}

}  // namespace

Lora* Core::Impl::find_lora(const std::string& name) {
  const auto found = std::ranges::find_if(state_.loras, [&](const auto& entry) {
    return entry.second.name == name && !entry.second.retired_at;
  });
  return found == state_.loras.end() ? nullptr : &found->second;
}

void Core::Impl::on(const LoraOffered& event) {
  Lora* const known = find_lora(event.name);
  if (known && known->sha256 == event.sha256) {
    take_trigger(*known, event);
    return reply(event.request, Registered{*known, true});
  }
  if (known && !event.replace) {
    return reply(
        event.request,
        Error{Errc::conflict, "the name " + event.name + " stands for other bytes (sha256 " +
                                  to_hex(known->sha256) +
                                  "); replace them (--replace), which changes no batch "
                                  "that is submitted already, or take another name"});
  }
  Lora lora;
  lora.id = state_.next.lora;
  ++state_.next.lora.value;
  lora.name = event.name;
  lora.sha256 = event.sha256;
  lora.bytes = event.bytes;
  lora.trigger = event.trigger.value_or(known ? known->trigger : "");
  lora.added_at = now_;
  lora.added_by = event.by;
  if (known) retire(*known);  // first: a name stands in the table once
  out_.writes.push_back(PutLora{lora});
  LedgerRow row;
  row.kind = known ? ledger::kLoraReplaced : ledger::kLoraAdded;
  row.detail = say(lora, event.by);
  append(std::move(row));
  reply(event.request, Registered{lora, false});
  state_.loras.emplace(lora.id, std::move(lora));
}

void Core::Impl::take_trigger(Lora& lora, const LoraOffered& event) {
  if (!event.trigger || *event.trigger == lora.trigger) return;
  lora.trigger = *event.trigger;
  out_.writes.push_back(PutLora{lora});
  LedgerRow row;
  row.kind = ledger::kLoraTrigger;
  row.detail = say(lora, event.by);
  append(std::move(row));
}

void Core::Impl::on(const LoraRetired& event) {
  Lora* const known = find_lora(event.name);
  if (!known) {
    return reply(event.request,
                 Error{Errc::not_found, "no LoRA is registered as \"" + event.name + "\""});
  }
  retire(*known);
  LedgerRow row;
  row.kind = ledger::kLoraRetired;
  row.detail = say(*known, event.by);
  append(std::move(row));
  reply(event.request, Accepted{});
}

void Core::Impl::retire(Lora& lora) {
  lora.retired_at = now_;
  out_.writes.push_back(PutLora{lora});
}

// Each name that is registered stands for its bytes from now on; one that is not is a file in the
// workers' own folders. A recipe that names bytes itself, as that of an older batch does, gets
// those, if the name ever had them.
Result<std::shared_ptr<const Recipe>> Core::Impl::pin_loras(const Recipe& recipe) const {
  auto pinned = std::make_shared<Recipe>(recipe);
  for (RecipeLora& lora : pinned->loras) {
    const auto found = std::ranges::find_if(state_.loras, [&](const auto& entry) {
      const Lora& row = entry.second;
      return row.name == lora.name && (lora.sha256 ? row.sha256 == lora.sha256 : !row.retired_at);
    });
    if (found != state_.loras.end()) {
      lora.sha256 = found->second.sha256;
      lora.bytes = found->second.bytes;
    } else if (lora.sha256) {
      return Error{Errc::invalid, "the recipe names the LoRA " + lora.name + " with sha256 " +
                                      to_hex(lora.sha256) +
                                      ", which was never registered under that name; leave sha256 "
                                      "out, or register that file (pirouette lora add)"};
    }
  }
  return std::shared_ptr<const Recipe>(std::move(pinned));
}

}  // namespace pirouette::core
