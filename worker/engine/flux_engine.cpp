#include "worker/engine/flux_engine.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <tuple>

#include "common/image/image.h"
#include "common/log.h"
#include "worker/engine/lru.h"
#include "worker/flux/kontext.h"
#include "worker/flux/storage/model_source.h"

namespace pirouette::engine {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

// A prompt's embedding is 8 MB (512 x 4096 floats): half a gigabyte in all. A sheet has 4 to 8
// prompts, so the next sheets' fit too.
constexpr std::size_t kTextCacheMax = 64;

// A reference's latents are about 1 MB (16 x 128 x 128 floats).
constexpr std::size_t kReferenceCacheMax = 64;

// Levels of 255 between a picture's darkest and brightest sample, in every channel, up to which it
// shows nothing. The emptiest real sheet has a figure on its ground.
constexpr int kFlatLevelsMax = 2;

struct Counters {
  std::uint64_t model_loads = 0;
  std::uint64_t lora_merges = 0;
  std::uint64_t text_cache_hits = 0;
  std::uint64_t reference_cache_hits = 0;
  std::uint64_t renders = 0;
};

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

// An Error of a part, and who is to blame for it.
struct Blamed {
  Failure failure;
  Error error;
};

RenderOutcome failed(Failure failure, std::string what) {
  return {RenderError{failure, false, std::move(what)}};
}

// This worker's own files: what is wrong with them another worker may have right.
Failure blame_worker(const Error& error) {
  return error.code == Errc::io ? Failure::retryable : Failure::worker;
}

std::string names_of(const std::map<std::string, fs::path>& paths) {
  std::string names;
  for (const auto& [name, path] : paths) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

bool is_flat(const Image& image) {
  for (int c = 0; c < image.channels; ++c) {
    int least = 255, most = 0;
    for (auto i = static_cast<std::size_t>(c); i < image.pixels.size();
         i += static_cast<std::size_t>(image.channels)) {
      least = std::min<int>(least, image.pixels[i]);
      most = std::max<int>(most, image.pixels[i]);
    }
    if (most - least > kFlatLevelsMax) return false;
  }
  return true;
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

Result<Digest> hash_of(const fs::path& path) {
  std::error_code ignored;
  const fs::path file = fs::is_directory(path, ignored) ? path / "adapter_model.safetensors" : path;
  std::ifstream in(file, std::ios::binary);
  std::vector<char> chunk(1 << 20);
  Sha256 hash;
  while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || in.gcount() > 0) {
    hash.update({reinterpret_cast<const std::uint8_t*>(chunk.data()),
                 static_cast<std::size_t>(in.gcount())});
  }
  if (!in.eof()) return Error{Errc::io, "cannot read " + file.string()};
  return hash.finish();
}

std::string processor_name() {
  std::ifstream lines("/proc/cpuinfo");
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != line.npos) return line.substr(colon + 2);
  }
  return "CPU";
}

class FluxEngine final : public Engine {
 public:
  FluxEngine(FluxEngineConfig config, at::ScalarType dtype)
      : config_(std::move(config)), dtype_(dtype) {}

  Device device() const override;
  std::string build() const override { return flux::torch_version(); }
  std::vector<std::string> models() const override { return keys(config_.models); }
  std::vector<std::string> loras() const override { return keys(config_.loras); }
  RenderOutcome render(const RenderSpec& spec, const std::vector<std::uint8_t>& reference,
                       const ProgressFn& progress) override;
  std::string residency() const override;

 private:
  // A model in memory, with one variant of LoRAs merged at a time: a variant of the published model
  // takes 24 GB of its own.
  struct Resident {
    flux::Kontext kontext;
    std::vector<RecipeLora> loras;
    std::vector<std::string> lora_hashes;
  };
  using TextKey = std::tuple<std::string, std::string, int>;          // model, prompt, length
  using ReferenceKey = std::tuple<std::string, Digest, std::string>;  // model, picture, size

  static std::vector<std::string> keys(const std::map<std::string, fs::path>& paths) {
    std::vector<std::string> names;
    for (const auto& [name, path] : paths) names.push_back(name);
    return names;
  }

  RenderOutcome render_checked(const RenderSpec& spec, const std::vector<std::uint8_t>& reference,
                               const ProgressFn& progress);
  RenderOutcome on_exhausted_memory(const std::string& what);
  std::optional<Blamed> make_resident(const RenderSpec& spec);
  std::optional<Blamed> merge(Resident& resident, const std::vector<RecipeLora>& loras);
  Result<flux::TextEmbedding> embed(const flux::Kontext& kontext, const RenderSpec& spec,
                                    const std::string& prompt);
  Result<at::Tensor> encode(const flux::Kontext& kontext, const RenderSpec& spec,
                            const std::vector<std::uint8_t>& reference);
  RenderOutcome finish(const RenderSpec& spec, const Image& image, json seconds);
  void publish(const std::string& model);
  void count(std::uint64_t Counters::*counter);

  const FluxEngineConfig config_;
  const at::ScalarType dtype_;

  // Of the rendering thread.
  std::map<std::string, Resident> resident_;  // by model; each is loaded once
  Lru<TextKey, flux::TextEmbedding> texts_{kTextCacheMax};
  Lru<ReferenceKey, at::Tensor> references_{kReferenceCacheMax};

  // Of any thread.
  mutable std::mutex mutex_;
  Counters counters_;
  std::string model_;                  // the one that rendered last; "" for none
  std::vector<RecipeLora> lora_uses_;  // merged into it
};

Device FluxEngine::device() const {
  const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const auto page = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PAGE_SIZE)));
  return {"cpu", processor_name(), pages * page};
}

void FluxEngine::count(std::uint64_t Counters::*counter) {
  const std::scoped_lock lock(mutex_);
  ++(counters_.*counter);
}

void FluxEngine::publish(const std::string& model) {
  const auto found = resident_.find(model);
  const std::scoped_lock lock(mutex_);
  model_ = found == resident_.end() ? "" : model;
  lora_uses_ = found == resident_.end() ? std::vector<RecipeLora>{} : found->second.loras;
}

std::string FluxEngine::residency() const {
  const std::scoped_lock lock(mutex_);
  json loras = json::array();
  for (const RecipeLora& lora : lora_uses_) {
    loras.push_back({{"name", lora.name}, {"scale", lora.scale}});
  }
  return json{{"model", model_},
              {"loras", loras},
              {"counters",
               {{"model_loads_total", counters_.model_loads},
                {"lora_merges_total", counters_.lora_merges},
                {"text_cache_hits_total", counters_.text_cache_hits},
                {"reference_cache_hits_total", counters_.reference_cache_hits},
                {"renders_total", counters_.renders}}}}
      .dump();
}

// The wall: nothing that torch throws goes further.
RenderOutcome FluxEngine::render(const RenderSpec& spec, const std::vector<std::uint8_t>& reference,
                                 const ProgressFn& progress) {
  try {
    return render_checked(spec, reference, progress);
  } catch (const c10::OutOfMemoryError& e) {
    return on_exhausted_memory(e.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return on_exhausted_memory("an allocation failed");
  } catch (const c10::Error& e) {
    const std::string what = e.what_without_backtrace();
    // libtorch's CPU allocator has no exception type of its own.
    if (what.find("can't allocate memory") != what.npos) return on_exhausted_memory(what);
    return failed(Failure::retryable, "libtorch failed: " + what);
  } catch (const std::exception& e) {
    return failed(Failure::retryable, std::string("rendering failed: ") + e.what());
  }
}

// Lets go of everything that can be made again, so that the next attempt finds room.
RenderOutcome FluxEngine::on_exhausted_memory(const std::string& what) {
  texts_.clear();
  references_.clear();
  resident_.clear();
  publish("");
  log::warn("engine", "out of memory: models and caches were let go: " + what);
  return failed(Failure::retryable, "out of memory: " + what);
}

RenderOutcome FluxEngine::render_checked(const RenderSpec& spec,
                                         const std::vector<std::uint8_t>& reference,
                                         const ProgressFn& progress) {
  json seconds;
  Stopwatch watch;
  if (auto blamed = make_resident(spec)) {
    return failed(blamed->failure, std::move(blamed->error.what));
  }
  seconds["residency"] = watch.lap();
  const flux::Kontext& kontext = resident_.at(spec.model).kontext;

  flux::RenderRequest request;
  // A length that no model takes is the job's; else tokenizer, encoders and model do not fit.
  const bool is_usual =
      spec.max_sequence_length >= 1 && spec.max_sequence_length <= flux::kSequenceLengthMax;
  const Failure blame = is_usual ? Failure::worker : Failure::job;
  auto prompt = embed(kontext, spec, spec.prompt);
  if (!prompt.ok()) return failed(blame, prompt.error().what);
  request.prompt = std::move(prompt).value();
  if (spec.true_cfg > 1 && !spec.negative_prompt.empty()) {
    auto negative = embed(kontext, spec, spec.negative_prompt);
    if (!negative.ok()) return failed(blame, negative.error().what);
    request.negative = std::move(negative).value();
  }
  seconds["text"] = watch.lap();
  auto latents = encode(kontext, spec, reference);
  if (!latents.ok()) return failed(Failure::job, latents.error().what);
  request.reference = std::move(latents).value();
  seconds["reference"] = watch.lap();

  request.width = spec.width;
  request.height = spec.height;
  request.steps = spec.steps;
  request.guidance = spec.guidance;
  request.true_cfg = spec.true_cfg;
  request.seed = spec.seed;
  const auto rendering = kontext.render(request, [&progress](int step, int of, const at::Tensor&) {
    return !progress || progress(step, of);
  });
  if (!rendering.ok()) {
    const Error& error = rendering.error();
    if (error.code == Errc::cancelled) return {RenderError{Failure::retryable, true, error.what}};
    return failed(error.code == Errc::corrupt ? Failure::retryable : Failure::job, error.what);
  }
  seconds["denoise_and_decode"] = watch.lap();
  return finish(spec, rendering.value().image, std::move(seconds));
}

RenderOutcome FluxEngine::finish(const RenderSpec& spec, const Image& image, json seconds) {
  Stopwatch watch;
  if (is_flat(image)) {
    return failed(Failure::retryable,
                  "the picture came out as one flat colour: the model, a LoRA or its scale is "
                  "broken, or the device is");
  }
  auto png = encode_png(image);
  if (!png.ok()) return failed(Failure::retryable, png.error().what);
  seconds["png"] = watch.lap();
  const Resident& resident = resident_.at(spec.model);
  json loras = json::array();
  for (std::size_t i = 0; i < resident.loras.size(); ++i) {
    loras.push_back({{"name", resident.loras[i].name},
                     {"scale", resident.loras[i].scale},
                     {"sha256", resident.lora_hashes[i]}});
  }
  const json metrics = {{"seconds", seconds}, {"device", device().kind}, {"dtype", config_.dtype},
                        {"build", build()},   {"model", spec.model},     {"loras", loras}};
  count(&Counters::renders);
  return {Rendering{std::move(png).value(), metrics.dump()}};
}

std::optional<Blamed> FluxEngine::make_resident(const RenderSpec& spec) {
  const auto path = config_.models.find(spec.model);
  if (path == config_.models.end()) {
    return Blamed{Failure::worker,
                  {Errc::not_found, "this worker has no model \"" + spec.model +
                                        "\"; it has: " + names_of(config_.models)}};
  }
  for (const RecipeLora& lora : spec.loras) {
    if (config_.loras.contains(lora.name)) continue;
    return Blamed{Failure::worker,
                  {Errc::not_found, "this worker has no LoRA \"" + lora.name +
                                        "\"; it has: " + names_of(config_.loras)}};
  }
  auto found = resident_.find(spec.model);
  if (found == resident_.end()) {
    log::info("engine", "loading model " + spec.model + " from " + path->second.string());
    auto kontext = flux::Kontext::load({path->second, config_.tokenizers}, dtype_, at::kCPU);
    if (!kontext.ok()) return Blamed{blame_worker(kontext.error()), kontext.error()};
    found = resident_.emplace(spec.model, Resident{std::move(kontext).value(), {}, {}}).first;
    count(&Counters::model_loads);
  }
  auto blamed = merge(found->second, spec.loras);
  publish(spec.model);
  return blamed;
}

std::optional<Blamed> FluxEngine::merge(Resident& resident, const std::vector<RecipeLora>& loras) {
  const auto same = [](const RecipeLora& a, const RecipeLora& b) {
    return a.name == b.name && a.scale == b.scale;  // the trigger is the prompt's
  };
  if (std::ranges::equal(resident.loras, loras, same)) return std::nullopt;
  std::vector<flux::LoraUse> uses;
  std::vector<std::string> hashes;
  for (const RecipeLora& lora : loras) {
    const fs::path& path = config_.loras.at(lora.name);
    const auto hash = hash_of(path);
    if (!hash.ok()) return Blamed{Failure::retryable, hash.error()};
    hashes.push_back(to_hex(hash.value()));
    uses.push_back({path, lora.scale});
  }
  const auto merged = resident.kontext.set_loras(uses);
  if (!merged.ok()) {
    // invalid: it does not fit the model, here or anywhere.
    const Error& error = merged.error();
    return Blamed{error.code == Errc::invalid ? Failure::job : blame_worker(error), error};
  }
  resident.loras = loras;
  resident.lora_hashes = std::move(hashes);
  count(&Counters::lora_merges);
  return std::nullopt;
}

Result<flux::TextEmbedding> FluxEngine::embed(const flux::Kontext& kontext, const RenderSpec& spec,
                                              const std::string& prompt) {
  const TextKey key{spec.model, prompt, spec.max_sequence_length};
  if (const auto* cached = texts_.find(key)) {
    count(&Counters::text_cache_hits);
    return *cached;
  }
  return texts_.put(key, TRY(kontext.embed_text(prompt, spec.max_sequence_length)));
}

Result<at::Tensor> FluxEngine::encode(const flux::Kontext& kontext, const RenderSpec& spec,
                                      const std::vector<std::uint8_t>& reference) {
  const ReferenceKey key{spec.model, spec.reference, spec.reference_size};
  if (const auto* cached = references_.find(key)) {
    count(&Counters::reference_cache_hits);
    return *cached;
  }
  const flux::ReferenceSize size = TRY(flux::parse_reference_size(spec.reference_size));
  auto picture = decode_png(reference);
  if (!picture.ok()) return std::move(picture).error().with("the reference");
  return references_.put(key, TRY(kontext.encode_reference(picture.value(), size)));
}

}  // namespace

Result<std::unique_ptr<Engine>> make_flux_engine(const FluxEngineConfig& config) {
  const at::ScalarType dtype = TRY(parse_dtype(config.dtype));
  for (const auto& [name, path] : config.models) TRY(check_model(name, {path, config.tokenizers}));
  for (const auto& [name, path] : config.loras) TRY(check_lora(name, path));
  const auto cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  flux::set_threads(config.threads > 0 ? config.threads : cores);
  return std::unique_ptr<Engine>(std::make_unique<FluxEngine>(config, dtype));
}

}  // namespace pirouette::engine
