#pragma once
// An engine that renders nothing: it hands out the bytes it was given, after a set time. For
// benchmarks of the farm and for tests of everything around an engine.

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "worker/engine/engine.h"

namespace pirouette::engine {

class NoopEngine : public Engine {
 public:
  // picture: what every rendering results in. latency is spread over four steps.
  explicit NoopEngine(std::vector<std::uint8_t> picture,
                      std::chrono::microseconds latency = std::chrono::microseconds{0})
      : picture_(std::move(picture)), latency_(latency) {}

  Device device() const override { return {"noop", "no device", 0}; }
  std::string build() const override { return "noop"; }
  std::vector<std::string> models() const override { return {"flux1-kontext-dev"}; }
  std::vector<std::string> loras() const override { return {"kontext-turnaround"}; }

  RenderOutcome render(const RenderSpec&, const std::vector<std::uint8_t>&,
                       const ProgressFn& progress) override {
    constexpr int kSteps = 4;
    for (int step = 1; step <= kSteps; ++step) {
      if (latency_.count() > 0) std::this_thread::sleep_for(latency_ / kSteps);
      if (!progress(step, kSteps)) {
        return {RenderError{Failure::retryable, true, "stopped by request"}};
      }
    }
    renders_.fetch_add(1);
    return {Rendering{picture_, "{\"engine\":\"noop\"}"}};
  }

  std::string residency() const override {
    return "{\"model\":null,\"loras\":[],\"counters\":{\"renders_total\":" +
           std::to_string(renders_.load()) + "}}";
  }

 private:
  std::vector<std::uint8_t> picture_;
  std::chrono::microseconds latency_;
  std::atomic<std::uint64_t> renders_{0};
};

}  // namespace pirouette::engine
