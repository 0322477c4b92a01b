// /api/v1/events: the ledger as server-sent events, and each job's progress between its rows. A
// stream remembers only the number of the last row it sent and reads the rows behind it from the
// database, so it survives reconnects (Last-Event-ID) and a slow reader costs no memory.

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

using Clock = std::chrono::steady_clock;

// Rows of one read: a page's worth, so that a reader that comes back sees the first ones soon.
constexpr std::size_t kRowsAtOnce = 200;

// Runs on its connection's thread.
class EventStream {
 public:
  // cursor: the last row that the reader has; none: it begins at now and is told where that is.
  EventStream(Site& site, std::optional<EventId> cursor,
              std::unique_ptr<ConnectionThreads::Streaming> place)
      : site_(site), place_(std::move(place)), greet_(!cursor) {
    cursor_ = cursor.value_or(site.pulse.last());
    site.pulse.progress_after(progress_seen_);  // what was before is in the lists
  }

  // Sends what there is, else waits a moment. false: the reader is gone, or we stop.
  bool go_on(const Sink& sink) {
    if (!sink.is_open()) return false;
    const Clock::time_point now = Clock::now();
    std::string text = greet_ ? hello() : rows();
    greet_ = false;
    if (now >= progress_from_) text += progress(now);
    if (text.empty() && now - written_at_ >= kStreamHeartbeat) text = ": still here\n\n";
    if (!text.empty()) {
      written_at_ = now;
      return sink.write(text);
    }
    return site_.pulse.wait(cursor_, progress_seen_, now + kStreamLooksUp) && pause(now);
  }

 private:
  std::string hello() const {
    return event("hello", cursor_,
                 {{"coordinator", PIROUETTE_VERSION}, {"last_event", cursor_.value}});
  }

  std::string rows() {
    const EventId last = site_.pulse.last();
    // Far behind, or from another life of the database: sending every row would help nobody.
    const bool lost = cursor_ > last || last.value - cursor_.value > kStreamBehindMax;
    if (lost) {
      cursor_ = last;
      return event("resync", last, {{"last_event", last.value}});
    }
    if (cursor_ == last) return {};
    const auto rows = site_.read().events(cursor_, kRowsAtOnce);
    if (!rows.ok() || rows.value().empty()) {
      cursor_ = last;  // what cannot be read now is fetched again by whoever wants it
      return event("resync", last, {{"last_event", last.value}});
    }
    std::string text;
    for (const core::LedgerRow& row : rows.value()) {
      text += event("ledger", row.id, ledger_json(row));
      cursor_ = row.id;
    }
    return text;
  }

  std::string progress(Clock::time_point now) {
    std::string text;
    for (const core::Progress& one : site_.pulse.progress_after(progress_seen_)) {
      text += event("progress", {}, progress_json(one));
    }
    if (!text.empty()) progress_from_ = now + kProgressEvery;
    return text;
  }

  // Progress came, but too soon after the last: ledger rows may wait that long too, which also
  // gathers what comes in bursts into one write.
  bool pause(Clock::time_point now) {
    if (now < progress_from_ && site_.pulse.last() == cursor_) {
      return site_.pulse.wait(cursor_, UINT64_MAX, progress_from_);
    }
    return true;
  }

  static std::string event(std::string_view kind, EventId id, const Json& data) {
    std::string text;
    if (id) text += "id: " + std::to_string(id.value) + "\n";
    return text + "event: " + std::string(kind) + "\ndata: " + dump(data) + "\n\n";
  }

  Site& site_;
  const std::unique_ptr<ConnectionThreads::Streaming> place_;
  EventId cursor_;
  std::uint64_t progress_seen_ = 0;
  bool greet_;
  Clock::time_point written_at_ = Clock::now(), progress_from_{};
};

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
  auto place = site.connections.try_stream();
  if (!place) {
    return Error{Errc::busy, std::to_string(kStreamsMax) +
                                 " event streams are open, the most there may be; close a page or "
                                 "try again later"};
  }
  auto events = std::make_shared<EventStream>(site, cursor, std::move(place));
  answer.stream = [events = std::move(events)](const Sink& sink) { return events->go_on(sink); };
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
