// /api/v1/events: the ledger as server-sent events, and each job's progress between its rows. A
// stream is known by the number of the last row it sent, so it survives reconnects (Last-Event-ID).
// What it says is the stream hub's part.

#include <memory>
#include <optional>

#include "coordinator/http/limits.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

// Last-Event-ID wins over ?after=: a browser sends both when it reconnects.
Result<std::optional<EventId>> parse_cursor(const Request& request) {
  const std::string_view last = request.header("last-event-id");
  if (!last.empty()) {
    const auto number = parse_number(last);
    if (!number) {
      return Error{Errc::invalid, "Last-Event-ID \"" + std::string(last) + "\" is not a number"};
    }
    return std::optional(EventId{*number});
  }
  const auto after = TRY(parse_query_number(request, "after"));
  return after ? std::optional(EventId{*after}) : std::nullopt;
}

Result<Answer> stream(Site& site, const Request& request) {
  const auto cursor = TRY(parse_cursor(request));
  Answer answer;
  answer.type = "text/event-stream";
  answer.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  if (request.method == "HEAD") return answer;
  auto place = site.streams.try_place();
  if (!place) {
    const std::string why = std::to_string(kStreamsMax) +
                            " event streams are open, the most there may be; close a page or try "
                            "again later";
    site.traffic.refuse(Refusal::streams, why);
    return Error{Errc::busy, why};
  }
  answer.follow = Follow{cursor, std::move(place)};
  return answer;
}

}  // namespace

void add_events(Router& router, Site& site) {
  const auto as_stream = with_query({"after"}, [&](const Request& r) { return stream(site, r); });
  const auto as_list = with_query({"after", "limit", "batch"},
                                  [&](const Request& r) { return list_ledger(site, r); });
  router.add("GET", "/api/v1/events", [=](const Request& r) -> Result<Answer> {
    switch (wanted_events(r.header("accept"))) {
      case EventsAs::stream:
        return as_stream(r);
      case EventsAs::list:
        return as_list(r);
      case EventsAs::neither:
        break;
    }
    return problem(406, "events come as text/event-stream or application/json, not as \"" +
                            std::string(r.header("accept")) + "\"");
  });
}

}  // namespace pirouette::http
