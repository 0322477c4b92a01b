#pragma once
// A site of which nothing is ever asked, for tests of who serves and of which routes there are.

#include <memory>

#include "coordinator/http/router.h"
#include "coordinator/http/serving.h"
#include "coordinator/http/site.h"
#include "tests/support/folder.h"

namespace pirouette::http {

struct BareSite {
  std::unique_ptr<Serving> make_serving() { return std::make_unique<Serving>(site, router); }

  const TestFolder folder;
  Site site{{.blobs = Blobs::open(folder.path()).value(),
             .thumbnails = "none",
             .read = nullptr,
             .started_at = {},
             .make_thumbnail = {},
             .references = "none",
             .as_reference = {}},
            [](core::Event) {}};
  Router router;
};

}  // namespace pirouette::http
