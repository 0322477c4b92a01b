#include "worker/engine/flux_engine.h"

#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <tuple>

#include "common/image/image.h"
#include "common/log.h"
#include "worker/engine/flux_engine_counters.h"
#include "worker/engine/flux_engine_residents.h"
#include "worker/engine/flux_engine_texts.h"
#include "worker/engine/lru.h"
#include "worker/engine/picture/finish.h"
#include "worker/engine/residency/host_memory.h"
#include "worker/flux/device.h"
#include "worker/flux/kontext.h"
#include "worker/flux/storage/model_source.h"
#include "worker/flux/work_clock.h"

namespace pirouette::engine {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

// A reference's latents are about 1 MB (16 x 128 x 128 floats).
constexpr std::size_t kReferenceCacheMax = 64;

// Of a job that is to come, those that the device does: its variant, its prompts, its reference.
constexpr int kPartsAhead = 4;

using Seconds = decltype(Circumstances::seconds);

// Seconds since it was made or last asked.
class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> passed = now - start_;
    start_ = now;
    return passed.count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

RenderOutcome failed(Failure failure, std::string what) {
  return {RenderError{failure, false, std::move(what)}};
}

Result<at::ScalarType> parse_dtype(const std::string& name) {
  if (name == "float32") return at::kFloat;
  if (name == "bfloat16") return at::kBFloat16;
  return Error{Errc::invalid, "dtype \"" + name + "\" is neither float32 nor bfloat16"};
}

Result<void> check_model(const std::string& name, const flux::KontextFiles& files) {
  auto found = flux::find_model(files.model, files.tokenizers);
  if (!found.ok()) return std::move(found).error().with("model " + name);
  return {};
}

Result<void> check_lora(const std::string& name, const fs::path& path) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored) && path.extension() == ".safetensors") return {};
  if (fs::is_regular_file(path / "adapter_model.safetensors", ignored)) return {};
  return Error{fs::exists(path, ignored) ? Errc::invalid : Errc::not_found,
               "LoRA " + name + ": " + path.string() +
                   " is neither a .safetensors file nor a PEFT adapter's folder"};
}

std::string processor_name() {
  std::ifstream lines("/proc/cpuinfo");
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != line.npos) return line.substr(colon + 2);
  }
  return "CPU";
}

using Pixels = std::variant<RenderOutcome, FinishFn>;

class FluxEngine final : public Engine {
 public:
  FluxEngine(FluxEngineConfig config, at::ScalarType dtype, at::Device device)
      : config_(std::move(config)),
        dtype_(dtype),
        device_(device),
        said_device_(describe_device()),
        residents_(config_, dtype_, device_, counters_),
        texts_(config_, device_, residents_, counters_),
        clock_(device_) {
    publish();
  }

  Device device() const override { return said_device_; }
  std::string build() const override { return flux::torch_version(); }
  std::vector<std::string> models() const override { return keys(config_.models); }
  std::vector<std::string> loras() const override { return keys(config_.loras); }
  RenderOutcome render(const RenderSpec& spec, const std::vector<std::uint8_t>& reference,
                       const ProgressFn& progress) override;
  Pixels render_pixels(const RenderSpec& spec, const std::vector<std::uint8_t>& reference,
                       const ProgressFn& progress) override;
  bool has_to_prepare() const override { return true; }
  void prepare(const RenderSpec& spec, const std::vector<std::uint8_t>& reference) override;
  std::string residency() const override;

 private:
  using ReferenceKey = std::tuple<Digest, std::string, Digest>;  // picture, size, autoencoder
  // The next job, as far as it was prepared while another renders.
  struct NextJob {
    RenderSpec spec;
    at::Tensor shown;  // its reference, as the autoencoder takes it; none: it was there before
    ComingLoras loras;
    int parts_done = 0;  // of those that the device does
  };

  static std::vector<std::string> keys(const std::map<std::string, fs::path>& paths) {
    std::vector<std::string> names;
    for (const auto& [name, path] : paths) names.push_back(name);
    return names;
  }

  Device describe_device() const;
  std::optional<Pixels> render_behind_wall(const RenderSpec& spec,
                                           const std::vector<std::uint8_t>& reference,
                                           const ProgressFn& progress, std::string& what);
  Pixels render_checked(const RenderSpec& spec, const std::vector<std::uint8_t>& reference,
                        const ProgressFn& progress);
  std::optional<Blamed> embed_all(const RenderSpec& spec, flux::RenderRequest& request);
  Result<at::Tensor> encode(const ResidentModel& model, const RenderSpec& spec,
                            const std::vector<std::uint8_t>& reference);
  Result<at::Tensor> show(const RenderSpec& spec, const std::vector<std::uint8_t>& reference) const;
  void work_ahead() noexcept;
  bool work_ahead(const NextJob& next, int part);
  void take_prepared();
  at::Tensor find_shown(const RenderSpec& spec);
  RenderOutcome finish(const RenderSpec& spec, const Image& image, const WeightsLater& weights,
                       Seconds seconds);
  void count_device_time(const std::string& variant, const Seconds& seconds);
  void publish();

  const FluxEngineConfig config_;
  const at::ScalarType dtype_;
  const at::Device device_;
  const Device said_device_;

  FluxEngineCounters counters_;

  // Of the rendering thread.
  FluxEngineResidents residents_;
  FluxEngineTexts texts_;
  Lru<ReferenceKey, at::Tensor> references_{kReferenceCacheMax};
  flux::WorkClock clock_;
  bool next_waited_ = false;  // when the last one ended: only then was the device kept waiting
  std::optional<NextJob> next_;
  Stopwatch since_last_;  // its end, on the host
  std::string last_variant_;

  // Of the rendering thread and the one that prepares.
  std::mutex prepared_mutex_;
  std::optional<NextJob> prepared_;
  std::atomic<bool> next_waits_ = false;

  // Of the one that prepares.
  Digest prepared_last_;  // a reference; not again for the sheet's next pose

  // Of any thread.
  mutable std::mutex mutex_;
  json resident_;  // what residency() says, without the counters
};

Device FluxEngine::describe_device() const {
  if (device_.is_cuda())
    return {"cuda", flux::device_name(device_) + (residents_.float8() ? ", float8" : ""),
            flux::ask_memory(device_).total_bytes};
  return {"cpu", processor_name(), ask_host_memory().total_bytes};
}

void FluxEngine::publish() {
  json said = residents_.describe();
  said["cached"] = {{"prompts", texts_.size()}, {"references", references_.size()}};
  const std::scoped_lock lock(mutex_);
  resident_ = std::move(said);
}

std::string FluxEngine::residency() const {
  const std::scoped_lock lock(mutex_);
  json said = resident_;
  const auto seconds = [](const std::atomic<std::uint64_t>& micros) {
    return 1e-6 * static_cast<double>(micros.load());
  };
  said["counters"] = {{"model_loads_total", counters_.model_loads.load()},
                      {"lora_merges_total", counters_.lora_merges.load()},
                      {"variants_let_go_total", counters_.variants_let_go.load()},
                      {"text_encodings_total", counters_.text_encodings.load()},
                      {"text_cache_hits_total", counters_.text_cache_hits.load()},
                      {"reference_cache_hits_total", counters_.reference_cache_hits.load()},
                      {"out_of_memory_total", counters_.out_of_memory.load()},
                      {"renders_total", counters_.renders.load()},
                      {"device_busy_seconds_total", seconds(counters_.busy_us)},
                      {"device_waits_total", counters_.waits.load()},
                      {"device_waited_seconds_total", seconds(counters_.waited_us)}};
  return said.dump();
}

RenderOutcome FluxEngine::render(const RenderSpec& spec, const std::vector<std::uint8_t>& reference,
                                 const ProgressFn& progress) {
  Pixels pixels = render_pixels(spec, reference, progress);
  if (auto* outcome = std::get_if<RenderOutcome>(&pixels)) return std::move(*outcome);
  return std::get<FinishFn>(pixels)();
}

// Out of memory frees what can be made again and tries once more; a second time lets go of all, so
// that the next job finds room, and fails.
Pixels FluxEngine::render_pixels(const RenderSpec& spec, const std::vector<std::uint8_t>& reference,
                                 const ProgressFn& progress) {
  const c10::DeviceGuard guard(device_);  // of this thread, for all that is not asked by a tensor
  std::string what;
  auto pixels = render_behind_wall(spec, reference, progress, what);
  if (!pixels) {
    ++counters_.out_of_memory;
    log::warn("engine", "out of memory; trying again without caches: " + what);
    texts_.clear();
    references_.clear();
    next_.reset();
    residents_.let_go_others(spec.model);
    flux::give_back_memory(device_);
    pixels = render_behind_wall(spec, reference, progress, what);
  }
  if (!pixels) {
    ++counters_.out_of_memory;
    log::warn("engine", "out of memory again; models and caches were let go: " + what);
    texts_.clear();
    references_.clear();
    next_.reset();
    residents_.let_go_all();
    flux::give_back_memory(device_);
    pixels = failed(Failure::retryable, "out of memory, twice: " + what);
  }
  next_waited_ = next_waits_.exchange(false);
  publish();
  (void)since_last_.lap();
  return std::move(*pixels);
}

// The wall: nothing that torch throws goes further. None, and what: out of memory.
std::optional<Pixels> FluxEngine::render_behind_wall(const RenderSpec& spec,
                                                     const std::vector<std::uint8_t>& reference,
                                                     const ProgressFn& progress,
                                                     std::string& what) {
  try {
    return render_checked(spec, reference, progress);
  } catch (const c10::OutOfMemoryError& e) {
    what = e.what_without_backtrace();
    return std::nullopt;
  } catch (const std::bad_alloc&) {
    what = "an allocation failed";
    return std::nullopt;
  } catch (const c10::Error& e) {
    what = e.what_without_backtrace();
    // libtorch's CPU allocator has no exception type of its own.
    if (what.find("can't allocate memory") != what.npos) return std::nullopt;
    return failed(Failure::retryable, "libtorch failed: " + what);
  } catch (const std::exception& e) {
    return failed(Failure::retryable, std::string("rendering failed: ") + e.what());
  }
}

Pixels FluxEngine::render_checked(const RenderSpec& spec,
                                  const std::vector<std::uint8_t>& reference,
                                  const ProgressFn& progress) {
  Seconds seconds;
  seconds.emplace_back("since_last", since_last_.lap());
  Stopwatch watch;
  if (!next_ || next_->spec != spec) take_prepared();  // it came late
  if (auto blamed =
          residents_.make_resident(spec, next_ && next_->spec == spec ? &next_->loras : nullptr)) {
    return failed(blamed->failure, std::move(blamed->error.what));
  }
  seconds.emplace_back("residency", watch.lap());

  flux::RenderRequest request;
  if (auto blamed = embed_all(spec, request)) {
    return failed(blamed->failure, std::move(blamed->error.what));
  }
  publish();
  seconds.emplace_back("text", watch.lap());
  const ResidentModel& model = residents_.get(spec.model);
  auto latents = encode(model, spec, reference);
  if (!latents.ok()) return failed(Failure::job, latents.error().what);
  request.reference = std::move(latents).value();
  if (next_ && next_->spec == spec) next_.reset();
  seconds.emplace_back("reference", watch.lap());

  request.width = spec.width;
  request.height = spec.height;
  request.steps = spec.steps;
  request.guidance = spec.guidance;
  request.true_cfg = spec.true_cfg;
  request.seed = spec.seed;
  request.step_cache = spec.step_cache;
  if (auto blamed = residents_.find_room(spec, model.kontext.kept_bytes(request)))
    return failed(blamed->failure, std::move(blamed->error.what));
  clock_.starts_anew();
  auto rendering = model.kontext.render(
      request,
      [&](int step, int of, const at::Tensor&) {
        work_ahead();
        return !progress || progress(step, of);
      },
      &clock_);
  if (!rendering.ok()) {
    const Error& error = rendering.error();
    if (error.code == Errc::cancelled)
      return RenderOutcome{RenderError{Failure::retryable, true, error.what}};
    return failed(error.code == Errc::corrupt ? Failure::retryable : Failure::job, error.what);
  }
  count_device_time(model.variant, seconds);
  seconds.erase(seconds.begin());  // what was before it is not its own
  seconds.emplace_back("denoise_and_decode", watch.lap());
  return [this, spec, image = std::move(rendering.value().image),
          weights = residents_.weights(spec.model), seconds = std::move(seconds),
          unsaved = texts_.take_unsaved()]() mutable {
    texts_.save(unsaved);
    return finish(spec, image, weights, std::move(seconds));
  };
}

// Between pictures counts only where the next job was there in time.
void FluxEngine::count_device_time(const std::string& variant, const Seconds& seconds) {
  const auto micros = [](double seconds) { return static_cast<std::uint64_t>(seconds * 1e6); };
  const flux::WorkClock::Spans spans = clock_.read();
  const bool is_another = std::exchange(last_variant_, variant) != variant;
  counters_.busy_us += micros(spans.worked);
  if (!next_waited_ || !spans.between) return;
  ++counters_.waits;
  counters_.waited_us += micros(*spans.between);
  // Of the host's times, those between the two. The rest is the last picture's way to the host, and
  // what is made ready for the first step.
  std::string parts;
  double rest = *spans.between;
  for (const auto& [part, taken] : seconds) {
    parts += ", " + part + ' ' + std::to_string(1e3 * taken);
    rest -= taken;
  }
  if (is_another) parts += ", another variant";
  log::debug("engine", "between pictures " + std::to_string(1e3 * *spans.between) + " ms" + parts +
                           ", rest " + std::to_string(1e3 * rest));
}

// Between two steps, while the device has one to do: what is handed out now nothing waits for. One
// part at a time, so that handing it out takes the host no longer than the device a step. Whatever
// fails here fails again, and is told, when the job renders.
void FluxEngine::work_ahead() noexcept {
  take_prepared();
  if (!next_) return;
  try {
    while (next_->parts_done < kPartsAhead && !work_ahead(*next_, next_->parts_done++)) {
    }
  } catch (const std::exception& error) {
    log::debug("engine", std::string("not made ahead: ") + error.what());
    next_->parts_done = kPartsAhead;
  }
}

// Whether there was anything to do.
bool FluxEngine::work_ahead(const NextJob& next, int part) {
  const RenderSpec& spec = next.spec;
  if (!residents_.has(spec.model)) return false;
  const std::uint64_t merges = counters_.lora_merges;
  const auto variant = residents_.merge_ahead(spec.model, next.loras);
  if (!variant || part == 0) return counters_.lora_merges != merges;
  if (part == 1) return texts_.embed_ahead(spec, *variant, spec.prompt);
  if (part == 2)
    return spec.true_cfg > 1 && !spec.negative_prompt.empty() &&
           texts_.embed_ahead(spec, *variant, spec.negative_prompt);
  const ResidentModel& model = residents_.get(spec.model);
  const ReferenceKey key{spec.reference, spec.reference_size, model.autoencoder_hash};
  if (!next.shown.defined() || references_.find(key) != nullptr) return false;
  references_.put(key, model.kontext.encode_shown(next.shown));
  return true;
}

void FluxEngine::take_prepared() {
  const std::scoped_lock lock(prepared_mutex_);
  if (prepared_) next_ = std::exchange(prepared_, std::nullopt);
}

// On another thread than the rendering one: no member of that.
RenderOutcome FluxEngine::finish(const RenderSpec& spec, const Image& image,
                                 const WeightsLater& later, Seconds seconds) {
  Stopwatch watch;
  auto weights = later.wait();
  if (!weights.ok()) return failed(Failure::retryable, std::move(weights).error().what);
  seconds.emplace_back("weights_hash", watch.lap());
  RenderOutcome outcome =
      finish_picture(spec, image,
                     {std::move(weights).value(), said_device_,
                      config_.dtype + (residents_.float8() ? ", weights float8_e4m3fn" : ""),
                      build(), std::move(seconds)});
  if (std::holds_alternative<Rendering>(outcome.value)) ++counters_.renders;
  return outcome;
}

// Text encoders are there only while prompts are encoded, unless they are to be kept.
std::optional<Blamed> FluxEngine::embed_all(const RenderSpec& spec, flux::RenderRequest& request) {
  auto blamed = texts_.embed(spec, spec.prompt, request.prompt);
  if (!blamed && spec.true_cfg > 1 && !spec.negative_prompt.empty()) {
    blamed = texts_.embed(spec, spec.negative_prompt, request.negative.emplace());
  }
  residents_.release_text_encoders(spec.model);
  return blamed;
}

Result<at::Tensor> FluxEngine::encode(const ResidentModel& model, const RenderSpec& spec,
                                      const std::vector<std::uint8_t>& reference) {
  const ReferenceKey key{spec.reference, spec.reference_size, model.autoencoder_hash};
  if (const auto* cached = references_.find(key)) {
    ++counters_.reference_cache_hits;
    return *cached;
  }
  at::Tensor shown = find_shown(spec);
  if (!shown.defined()) shown = TRY(show(spec, reference));
  return references_.put(key, model.kontext.encode_shown(shown));
}

// Of any thread: decoded, stretched, as numbers, on the host.
Result<at::Tensor> FluxEngine::show(const RenderSpec& spec,
                                    const std::vector<std::uint8_t>& reference) const {
  const flux::ReferenceSize size = TRY(flux::parse_reference_size(spec.reference_size));
  auto picture = decode_png(reference);
  if (!picture.ok()) return std::move(picture).error().with("the reference");
  return flux::show_reference(picture.value(), size, dtype_);
}

void FluxEngine::prepare(const RenderSpec& spec, const std::vector<std::uint8_t>& reference) {
  const c10::DeviceGuard guard(device_);
  next_waits_ = true;
  NextJob next{spec, {}, {}};
  auto loras = residents_.read_ahead(spec);
  if (!loras.ok()) return;
  next.loras = std::move(loras).value();
  const Digest key = sha256(to_hex(spec.reference) + ' ' + spec.reference_size);
  if (prepared_last_ != key) {
    auto shown = show(spec, reference);
    if (!shown.ok()) return;
    next.shown = std::move(shown).value();
    prepared_last_ = key;
  }
  const std::scoped_lock lock(prepared_mutex_);
  prepared_ = std::move(next);
}

at::Tensor FluxEngine::find_shown(const RenderSpec& spec) {
  const bool is_its = next_ && next_->spec.reference == spec.reference &&
                      next_->spec.reference_size == spec.reference_size;
  return is_its ? next_->shown : at::Tensor();
}

}  // namespace

Result<std::unique_ptr<Engine>> make_flux_engine(const FluxEngineConfig& config) {
  const at::ScalarType dtype = TRY(parse_dtype(config.dtype));
  const at::Device device = TRY(flux::parse_device(config.device));
  flux::prepare(device);
  if (config.weights == WeightsAs::float8 && device.is_cuda() && !flux::has_float8(device))
    return Error{Errc::invalid, flux::device_name(device) +
                                    " has no float8 products with this torch (compute "
                                    "capability 8.9 and newer have some): take --weights wide"};
  for (const auto& [name, path] : config.models) TRY(check_model(name, {path, config.tokenizers}));
  for (const auto& [name, path] : config.loras) TRY(check_lora(name, path));
  const auto cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  flux::set_threads(config.threads > 0 ? config.threads : cores);
  return std::unique_ptr<Engine>(std::make_unique<FluxEngine>(config, dtype, device));
}

}  // namespace pirouette::engine
