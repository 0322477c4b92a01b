// How fast a GET is answered by a coordinator that two hundred viewers, five hundred idle
// connections and slow peers hang on, beside one that is alone.

#include "tests/support/crowd.h"

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/runtime/coordinator.h"
#include "tests/bench/measure.h"

namespace pirouette::bench {
namespace {

using testing_support::Crowd;
using testing_support::Peer;
using testing_support::time_get;

void print_row(const char* what, const std::vector<double>& ms) {
  std::printf("%-28s %8.2f %8.2f %8.2f %8.2f\n", what, quantile(ms, 0.5), quantile(ms, 0.95),
              quantile(ms, 0.99), quantile(ms, 1.0));
}

void measure(const std::string& who, int port, int requests) {
  Peer kept(port);
  std::vector<double> fresh, again;
  for (int i = 0; i < requests; ++i) {
    fresh.push_back(time_get(port, "/api/v1/batches"));
    again.push_back(time_get(port, "/api/v1/health", &kept));
  }
  print_row((who + ", new connection").c_str(), fresh);
  print_row((who + ", kept connection").c_str(), again);
}

// Rows of the ledger, as many as may be: each worker that says hello is one.
class Life {
 public:
  explicit Life(runtime::Coordinator& coordinator)
      : thread_([&, this] {
          for (std::uint64_t n = 1; !stopping_; ++n) {
            core::WorkerSaidHello hello;
            hello.link = {n};
            hello.name = "w" + std::to_string(n % 8);
            hello.device_kind = "cpu";
            coordinator.post(hello);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
          }
        }) {}
  ~Life() {
    stopping_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace
}  // namespace pirouette::bench

int main(int argc, char** argv) {
  using namespace pirouette::bench;
  CLI::App app{"GETs of a coordinator with a crowd at its door, in milliseconds"};
  std::string folder = ".";
  int requests = 300;
  Crowd::Size size;
  app.add_option("--folder", folder, "Where the farm's folder is made")->capture_default_str();
  app.add_option("--requests", requests, "GETs of each kind")->capture_default_str();
  app.add_option("--viewers", size.viewers, "Event streams")->capture_default_str();
  app.add_option("--idle", size.idle, "Idle connections")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const Scratch scratch(folder);
  const auto coordinator =
      need(pirouette::runtime::Coordinator::start({.folder = scratch.path(),
                                                   .http_port = 0,
                                                   .control = "tcp://127.0.0.1:*",
                                                   .blobs = "tcp://127.0.0.1:*",
                                                   .plain = true,
                                                   .policy = {},
                                                   .assemble = {}}));
  const std::string& url = coordinator->endpoints().http;
  const int port = std::atoi(url.c_str() + url.rfind(':') + 1);
  std::thread loop([&] { coordinator->run(); });
  {
    std::printf("%-28s %8s %8s %8s %8s\n", "GET, ms", "p50", "p95", "p99", "max");
    measure("alone", port, requests);
    const Crowd crowd(port, size);
    const Life life(*coordinator);
    measure("with a crowd", port, requests);
    std::printf("viewers that missed a row: %zu of %zu\n", crowd.viewers_wronged(), size.viewers);
  }
  coordinator->stop();
  loop.join();
  return 0;
}
