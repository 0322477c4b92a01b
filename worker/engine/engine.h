#pragma once
// What a worker needs from whatever renders: no torch in it. One Engine is one device; what renders
// is called from one thread at a time, prepare() from one other, residency() from any.

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "common/job/recipe.h"
#include "common/result.h"

namespace pirouette::engine {

// Who is to blame, so that the farm knows what to do next (DESIGN: failure classes).
enum class Failure {
  retryable,  // may work another time: out of memory, device lost, I/O
  job,        // this job cannot work anywhere: broken reference, LoRA that does not fit
  worker,     // this worker cannot: model missing, disk full
};

struct RenderError {
  Failure failure = Failure::retryable;
  bool cancelled = false;  // the progress callback said stop
  std::string what;
};

struct Rendering {
  std::vector<std::uint8_t> png;  // RGB, width x height of the spec
  // One JSON object: seconds by part, device, dtype, model and LoRA hashes.
  std::string metrics;
};

struct RenderOutcome {
  std::variant<Rendering, RenderError> value;
};

// Called between steps, from the rendering thread. Returns false to stop the rendering.
using ProgressFn = std::function<bool(int step, int of)>;

// What is left of a rendering when the device has done its part: pixels become a result. Called
// once, from any thread, while the device renders the next picture; before the engine ends.
using FinishFn = std::function<RenderOutcome()>;

struct Device {
  std::string kind;  // "cpu" | "cuda" | "noop"
  std::string name;  // for people
  std::uint64_t memory_bytes = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Device device() const = 0;
  virtual std::string build() const = 0;  // "libtorch 1.13.1"
  virtual std::vector<std::string> models() const = 0;
  virtual std::vector<std::string> loras() const = 0;
  // reference: the bytes behind spec.reference, a PNG. LoRAs of the spec that have a digest are in
  // the blob folder that the engine was given.
  virtual RenderOutcome render(const RenderSpec& spec, const std::vector<std::uint8_t>& reference,
                               const ProgressFn& progress) = 0;
  // The same in two parts, so that a device never waits for a PNG. An engine whose end takes no
  // time has one part.
  virtual std::variant<RenderOutcome, FinishFn> render_pixels(
      const RenderSpec& spec, const std::vector<std::uint8_t>& reference,
      const ProgressFn& progress) {
    return render(spec, reference, progress);
  }
  // Beforehand, while another job renders: what of the next job needs no device. Whatever fails
  // here fails again, and is told, when the job renders. has_to_prepare: whether there is anything.
  virtual bool has_to_prepare() const { return false; }
  virtual void prepare(const RenderSpec&, const std::vector<std::uint8_t>&) {}
  // One JSON object: {"model", "loras": […], "counters": {"model_loads_total", …: numbers that only
  // grow; coordinator/http/metrics.cpp names those it shows}}.
  virtual std::string residency() const = 0;
};

}  // namespace pirouette::engine
