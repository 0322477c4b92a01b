#include "coordinator/http/site.h"

namespace pirouette::http {

Result<UploadPlace> UploadPlace::take(std::counting_semaphore<>& places) {
  if (!places.try_acquire()) {
    return Error{Errc::busy, std::to_string(kUploadsMax) +
                                 " uploads are going on just now; try again in a moment"};
  }
  UploadPlace place;
  place.place_.reset(&places);
  return place;
}

void add_all(Router& router, Site& site) {
  add_batches(router, site);
  add_sheets(router, site);
  add_changes(router, site);
  add_poses(router, site);
  add_jobs(router, site);
  add_workers(router, site);
  add_explanations(router, site);
  add_verification(router, site);
  add_loras(router, site);
  add_models(router, site);
  add_references(router, site);
  add_blobs(router, site);
  add_events(router, site);
  add_health(router, site);
}

}  // namespace pirouette::http
