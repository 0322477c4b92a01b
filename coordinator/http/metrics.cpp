#include "coordinator/http/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/clock.h"
#include "coordinator/http/limits.h"
#include "coordinator/http/traffic.h"
#include "coordinator/store/read_model.h"

namespace pirouette::http {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// From a page's cached file to a thumbnail of a 16-megapixel reference. Streams are not timed.
const prometheus::Histogram::BucketBoundaries kSecondsBuckets{0.001, 0.005, 0.02, 0.05,
                                                              0.1,   0.5,   2,    10};

MetricFamily make_family(const std::string& name, const std::string& help, MetricType type) {
  return {name, help, type, {}};
}

void add(MetricFamily& family, double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (family.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  family.metric.push_back(std::move(metric));
}

MetricFamily one(const std::string& name, const std::string& help, MetricType type, double value) {
  MetricFamily family = make_family(name, help, type);
  add(family, value);
  return family;
}

template <typename Count>
double number(Count count) {
  return static_cast<double>(count);
}

void add_counts(std::vector<MetricFamily>& all, const store::Counts& counts) {
  MetricFamily jobs = make_family("pirouette_jobs", "Jobs by state.", MetricType::Gauge);
  add(jobs, number(counts.queued), {{"state", "queued"}});
  add(jobs, number(counts.running), {{"state", "leased"}});
  add(jobs, number(counts.done), {{"state", "done"}});
  add(jobs, number(counts.failed), {{"state", "failed"}});
  all.push_back(std::move(jobs));
  all.push_back(one("pirouette_batches_submitted_total", "Batches ever submitted.",
                    MetricType::Counter, number(counts.batches)));
  all.push_back(one("pirouette_batches_running", "Batches that are not finished.",
                    MetricType::Gauge, number(counts.batches_running)));
  all.push_back(one("pirouette_workers_online", "Workers that can be reached.", MetricType::Gauge,
                    number(counts.workers_online)));
}

// Of residency's counters, those that are worth a graph: a load or a merge costs minutes.
struct ResidencyCounter {
  const char* key;
  const char* help;
};
constexpr ResidencyCounter kResidencyCounters[] = {
    {"model_loads_total", "Times this worker process loaded a model."},
    {"lora_merges_total", "Times this worker process merged LoRAs into a model."},
    {"variants_let_go_total", "Merged variants let go for room: if it climbs, memory is short."},
    {"text_encodings_total", "Prompts this worker process ran the text encoders for."},
    {"out_of_memory_total", "Times the device's memory ran out; each lets caches go."},
    {"renders_total", "Pictures this worker process rendered."},
    {"text_cache_hits_total", "Prompts found embedded already."},
    {"reference_cache_hits_total", "References found encoded already."},
    {"device_busy_seconds_total", "Denoising and decoding, on the device's clock."},
    {"device_waits_total", "Pictures that followed another while their job was waiting already."},
    {"device_waited_seconds_total", "From the picture before to those, on the device's clock."},
};

void add_workers(std::vector<MetricFamily>& all, const std::vector<store::WorkerRow>& workers) {
  MetricFamily states = make_family("pirouette_workers", "Workers by state.", MetricType::Gauge);
  MetricFamily done = make_family("pirouette_worker_jobs_done_total", "Jobs this worker finished.",
                                  MetricType::Counter);
  MetricFamily failed = make_family("pirouette_worker_jobs_failed_total",
                                    "Failed attempts of this worker.", MetricType::Counter);
  std::vector<MetricFamily> residency;
  for (const ResidencyCounter& counter : kResidencyCounters) {
    residency.push_back(make_family(std::string("pirouette_worker_") + counter.key, counter.help,
                                    MetricType::Counter));
  }
  std::map<std::string, int> by_state{{"online", 0}, {"draining", 0}, {"lost", 0}};
  for (const store::WorkerRow& row : workers) {
    const core::Worker& worker = row.worker;
    if (worker.state == core::WorkerState::gone) continue;
    ++by_state[std::string(name(worker.state))];
    add(done, number(worker.jobs_done), {{"worker", worker.name}});
    add(failed, number(worker.jobs_failed), {{"worker", worker.name}});
    const auto said = nlohmann::json::parse(worker.residency, nullptr, false);
    if (!said.is_object() || !said.contains("counters")) continue;
    for (std::size_t i = 0; i < residency.size(); ++i) {
      const auto& counters = said["counters"];
      if (!counters.is_object() || !counters.contains(kResidencyCounters[i].key)) continue;
      const auto& value = counters[kResidencyCounters[i].key];
      if (value.is_number()) add(residency[i], value.get<double>(), {{"worker", worker.name}});
    }
  }
  for (const auto& [state, count] : by_state) add(states, count, {{"state", state}});
  all.push_back(std::move(states));
  all.push_back(std::move(done));
  all.push_back(std::move(failed));
  for (MetricFamily& family : residency) all.push_back(std::move(family));
}

void add_traffic(std::vector<MetricFamily>& all, const Traffic& traffic) {
  const auto gauge = [&](const char* name, const char* help, std::int64_t value) {
    all.push_back(one(name, help, MetricType::Gauge, number(value)));
  };
  const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
    all.push_back(one(name, help, MetricType::Counter, number(value)));
  };
  gauge("pirouette_http_connections", "Open connections, without event streams.",
        traffic.connections);
  gauge("pirouette_http_connections_idle", "Connections between two requests.", traffic.idle);
  gauge("pirouette_http_connections_waiting", "Complete requests that wait for a thread.",
        traffic.requests_waiting);
  gauge("pirouette_http_uploads_waiting", "Uploads that wait for one of the places.",
        traffic.uploads_waiting);
  gauge("pirouette_http_streams", "Open event streams.", traffic.streams);
  counter("pirouette_http_stream_rows_read_total",
          "Rows of the ledger read for event streams, once for all viewers.",
          traffic.stream_rows_read);
  counter("pirouette_http_streams_told_again_total",
          "Times a viewer was so far behind that it was told to fetch everything again.",
          traffic.streams_told_again);
  MetricFamily refused =
      make_family("pirouette_http_refused_total", "Connections and requests refused by a limit.",
                  MetricType::Counter);
  for (std::size_t kind = 0; kind < std::size(kRefusalNames); ++kind) {
    add(refused, number(traffic.refused(static_cast<Refusal>(kind))),
        {{"limit", std::string(kRefusalNames[kind])}});
  }
  all.push_back(std::move(refused));
}

Result<std::vector<store::WorkerRow>> all_workers(const store::ReadModel& read) {
  std::vector<store::WorkerRow> all;
  while (true) {
    const WorkerId after = all.empty() ? WorkerId{} : all.back().worker.id;
    auto page = TRY(read.workers_alone(after, kListMax));
    const bool last = page.size() < kListMax;
    for (store::WorkerRow& row : page) all.push_back(std::move(row));
    if (last) return all;
  }
}

}  // namespace

struct Metrics::Counters {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("pirouette_http_requests_total")
          .Help("Answered requests by method, route and status.")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& seconds =
      prometheus::BuildHistogram()
          .Name("pirouette_http_request_seconds")
          .Help("How long a request took, without sending the answer.")
          .Register(registry);
};

Metrics::Metrics() : counters_(std::make_unique<Counters>()) {}
Metrics::~Metrics() = default;

void Metrics::count_request(std::string_view method, std::string_view route, int status,
                            std::chrono::duration<double> seconds) {
  const std::string route_name(route);
  counters_->requests
      .Add({{"method", std::string(method)},
            {"route", route_name},
            {"status", std::to_string(status)}})
      .Increment();
  counters_->seconds.Add({{"route", route_name}}, kSecondsBuckets).Observe(seconds.count());
}

Result<std::string> Metrics::text(const store::ReadModel& read, const Traffic& traffic,
                                  Instant started_at) const {
  std::vector<MetricFamily> all = counters_->registry.Collect();
  add_counts(all, TRY(read.counts()));
  add_workers(all, TRY(all_workers(read)));
  const auto gauge = [&](const char* name, const char* help, double value) {
    all.push_back(one(name, help, MetricType::Gauge, value));
  };
  gauge("pirouette_wal_bytes", "Size of the database's write-ahead log.", number(read.wal_bytes()));
  add_traffic(all, traffic);
  const double second = number(seconds(1).us);
  gauge("pirouette_start_time_seconds", "When the coordinator started, since 1970.",
        number(started_at.us) / second);
  gauge("pirouette_uptime_seconds", "How long the coordinator has been up.",
        number((wall_clock_now() - started_at).us) / second);
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace pirouette::http
