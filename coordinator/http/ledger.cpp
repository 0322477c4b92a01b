// The ledger as a list: what a program reads that polls, or that wants all there was. The stream
// (events.cpp) is for those who watch.

#include <nlohmann/json.hpp>

#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/site.h"

namespace pirouette::http {

EventsAs wanted_events(std::string_view accept) {
  const auto has = [&](std::string_view type) { return accept.find(type) != accept.npos; };
  if (has("text/event-stream")) return EventsAs::stream;
  if (has("application/json") || has("application/*")) return EventsAs::list;
  return accept.empty() || has("*/*") || has("text/*") ? EventsAs::stream : EventsAs::neither;
}

Result<Answer> list_ledger(const Site& site, const Request& request) {
  Paging paging = TRY(parse_paging(request));
  const auto batch = TRY(parse_query_id<BatchId>(request, "batch"));
  const std::string_view last = request.header("last-event-id");
  if (!last.empty()) {  // as for the stream, it wins over ?after=
    const auto number = parse_number(last);
    if (!number || *number > INT64_MAX) {
      return Error{Errc::invalid, "Last-Event-ID \"" + std::string(last) + "\" is not a number"};
    }
    paging.after = *number;
  }
  store::ReadModel::EventPage page;
  if (batch) {
    page = TRY(site.read().events_of(batch, EventId{paging.after}, paging.limit));
  } else {
    page.rows = TRY(site.read().events(EventId{paging.after}, paging.limit));
    if (page.rows.size() == paging.limit) page.next = page.rows.back().id;
  }
  Json items = Json::array();
  for (const core::LedgerRow& row : page.rows) items.push_back(ledger_json(row));
  std::optional<std::uint64_t> next;
  if (page.next) next = page.next->value;
  return answer_list(std::move(items), next);
}

}  // namespace pirouette::http
