#pragma once
// What Prometheus scrapes. Requests are counted here as they are answered; everything about the
// farm is read from the database's counters at the scrape, a handful of indexed queries. Safe from
// several threads.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/time.h"

namespace pirouette::store {
class ReadModel;
}

namespace pirouette::http {

class Traffic;

class Metrics {
 public:
  Metrics();
  ~Metrics();

  // route: the pattern, so that there are few of them.
  void count_request(std::string_view method, std::string_view route, int status,
                     std::chrono::duration<double> seconds);

  // Prometheus' text format 0.0.4.
  Result<std::string> text(const store::ReadModel& read, const Traffic& traffic,
                           Instant started_at) const;

 private:
  struct Counters;
  std::unique_ptr<Counters> counters_;
};

}  // namespace pirouette::http
