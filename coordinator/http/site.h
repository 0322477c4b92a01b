#pragma once
// What every route may use, in one place, and the routes by noun. Made before the server listens;
// outlives every request.

#include <functional>
#include <memory>
#include <semaphore>
#include <variant>

#include "common/known_blobs.h"
#include "coordinator/core/event.h"
#include "coordinator/http/http.h"
#include "coordinator/http/limits.h"
#include "coordinator/http/metrics.h"
#include "coordinator/http/pulse.h"
#include "coordinator/http/reference_records.h"
#include "coordinator/http/router.h"
#include "coordinator/http/stream_hub.h"
#include "coordinator/http/thumbnails.h"
#include "coordinator/http/traffic.h"
#include "coordinator/http/waiting.h"

namespace pirouette::http {

// One of kUploadsMax places for what was sent, while it is looked at: decoding is dear. Taken when
// the body is there, so that who sends slowly keeps nobody else from one.
class UploadPlace {
 public:
  // busy when all are taken.
  static Result<UploadPlace> take(std::counting_semaphore<>& places);

 private:
  struct Release {
    void operator()(std::counting_semaphore<>* places) const { places->release(); }
  };
  std::unique_ptr<std::counting_semaphore<>, Release> place_;
};

struct Site {
  Site(Http::Config given, std::function<void(core::Event)> post_event)
      : config(std::move(given)),
        post(std::move(post_event)),
        known_blobs(config.blobs, &Blobs::contains),
        references(config.references, config.reference_making),
        thumbnails(config.thumbnails, config.make_thumbnail, kThumbnailsMaxBytes) {}

  const store::ReadModel& read() const { return *config.read; }

  // Posts an Event that carries a RequestId, and waits for its answer.
  template <typename Event>
  Waiting::Answered ask(Event event) {
    return waiting.ask(
        [&](RequestId request) {
          event.request = request;
          post(std::move(event));
        },
        config.answer_max);
  }

  Http::Config config;
  const std::function<void(core::Event)> post;
  KnownBlobs known_blobs;
  Traffic traffic;
  Waiting waiting;
  Pulse pulse;
  StreamHub streams{config.read, pulse, traffic};
  ReferenceRecords references;
  Thumbnails thumbnails;
  Metrics metrics;
  std::counting_semaphore<> uploads{static_cast<std::ptrdiff_t>(kUploadsMax)};
  std::counting_semaphore<> verifications{static_cast<std::ptrdiff_t>(kVerificationsMax)};
};

void add_batches(Router& router, Site& site);
void add_sheets(Router& router, Site& site);
void add_changes(Router& router, Site& site);
void add_poses(Router& router, Site& site);
void add_jobs(Router& router, Site& site);
void add_workers(Router& router, Site& site);
void add_explanations(Router& router, Site& site);
void add_verification(Router& router, Site& site);
void add_loras(Router& router, Site& site);
void add_models(Router& router, Site& site);
void add_references(Router& router, Site& site);
void add_blobs(Router& router, Site& site);
void add_events(Router& router, Site& site);
void add_health(Router& router, Site& site);

// All of them. schema/openapi.yaml describes each.
void add_all(Router& router, Site& site);

// How a request for /api/v1/events wants them, by its Accept; a stream when it does not mind.
enum class EventsAs { stream, list, neither };
EventsAs wanted_events(std::string_view accept);
// GET /api/v1/events for those who want a page of the ledger as JSON, not a stream.
Result<Answer> list_ledger(const Site& site, const Request& request);

// Any path that no route serves: a file of the page, or its index.html, whose script then shows
// the right view.
Result<Answer> serve_page(const Request& request);

}  // namespace pirouette::http
