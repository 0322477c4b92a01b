#pragma once
// What goes over the wire of an event stream: server-sent events, in HTTP/1.1's chunks.

#include <string>
#include <string_view>

#include "coordinator/core/effect.h"
#include "coordinator/core/state.h"

namespace pirouette::http {

// text must not be empty: an empty chunk is the last one.
std::string as_chunk(std::string_view text);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

std::string hello_event(EventId last);
std::string ledger_event(const core::LedgerRow& row);
std::string progress_event(const core::Progress& progress);
// Rows were left out: the reader fetches everything again.
std::string resync_event(EventId last);

}  // namespace pirouette::http
