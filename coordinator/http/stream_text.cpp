#include "coordinator/http/stream_text.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "coordinator/http/json.h"

namespace pirouette::http {
namespace {

std::string event(std::string_view kind, EventId id, const Json& data) {
  std::string text;
  if (id) text += "id: " + std::to_string(id.value) + "\n";
  return text + "event: " + std::string(kind) + "\ndata: " + dump(data) + "\n\n";
}

}  // namespace

std::string as_chunk(std::string_view text) {
  char size[24];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  std::string chunk(size);
  chunk += text;
  return chunk + "\r\n";
}

std::string hello_event(EventId last) {
  return event("hello", last, {{"coordinator", PIROUETTE_VERSION}, {"last_event", last.value}});
}

std::string ledger_event(const core::LedgerRow& row) {
  return event("ledger", row.id, ledger_json(row));
}

std::string progress_event(const core::Progress& progress) {
  return event("progress", {}, progress_json(progress));
}

std::string resync_event(EventId last) {
  return event("resync", last, {{"last_event", last.value}});
}

}  // namespace pirouette::http
