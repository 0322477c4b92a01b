#include "worker/engine/flux_engine_residents.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/blobs.h"
#include "common/log.h"
#include "worker/engine/residency/host_memory.h"
#include "worker/flux/device.h"

namespace pirouette::engine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Of each model, so that what a worker says stays short.
constexpr std::size_t kVariantsShown = 16;

// What the device has, and what the host has beside it for base weights. The one place that asks.
MemoryBudget ask_memory(at::Device device, std::uint64_t configured_bytes) {
  const HostMemory host = ask_host_memory();
  if (device.is_cuda()) {
    const std::uint64_t free_bytes = flux::ask_memory(device).free_bytes;
    return {configured_bytes > 0 ? configured_bytes : free_bytes, host.free_bytes};
  }
  return {configured_bytes > 0 ? configured_bytes : host.free_bytes, 0};
}

std::uint64_t total_bytes(at::Device device) {
  return device.is_cuda() ? flux::ask_memory(device).total_bytes : 0;
}

flux::PristineAt pristine_at(ResidencyMode mode) {
  switch (mode) {
    case ResidencyMode::pristine_on_device:
      return flux::PristineAt::device;
    case ResidencyMode::pristine_on_host:
      return flux::PristineAt::host;
    case ResidencyMode::merged_only:
      return flux::PristineAt::file;
  }
  PIROUETTE_CHECK(false);
}

std::string names_of(const std::map<std::string, fs::path>& paths) {
  std::string names;
  for (const auto& [name, path] : paths) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

// The same for the same LoRAs, to the last bit of their scales and files.
std::string key_of(const std::vector<UsedLora>& loras) {
  std::string key;
  for (const UsedLora& used : loras) {
    char scale[32];
    const auto end = std::to_chars(scale, scale + sizeof scale, used.lora.scale).ptr;
    key += to_hex(used.key) + ' ' + std::string(scale, end) + '\n';
  }
  return key;
}

std::vector<UsedLora> clip_changing(const std::vector<UsedLora>& loras) {
  std::vector<UsedLora> some;
  for (const UsedLora& used : loras)
    if (used.changes_clip) some.push_back(used);
  return some;
}

json lora_list(const std::vector<UsedLora>& loras) {
  json list = json::array();
  for (const UsedLora& used : loras) {
    list.push_back({{"name", used.lora.name}, {"scale", used.lora.scale}});
    if (used.lora.sha256) list.back()["sha256"] = to_hex(used.lora.sha256);
  }
  return list;
}

// invalid: it does not fit the model, here or anywhere.
Blamed blame_for_lora(Error error) {
  const Failure failure = error.code == Errc::invalid ? Failure::job : blame_worker(error);
  return {failure, std::move(error)};
}

}  // namespace

Failure blame_worker(const Error& error) {
  return error.code == Errc::io ? Failure::retryable : Failure::worker;
}

FluxEngineResidents::FluxEngineResidents(const FluxEngineConfig& config, at::ScalarType dtype,
                                         at::Device device, FluxEngineCounters& counters)
    : config_(config),
      dtype_(dtype),
      float8_(takes_float8(config.weights, total_bytes(device), flux::has_float8(device))),
      device_(device),
      counters_(counters),
      hashes_(config.cache_folder.empty() ? fs::path()
                                          : config.cache_folder / "weight_hashes.json"),
      budget_(ask_memory(device, config.memory_budget_bytes)),
      residency_(budget_.device_bytes) {}

std::optional<Blamed> FluxEngineResidents::make_resident(const RenderSpec& spec,
                                                         const ComingLoras* ahead) {
  const auto path = config_.models.find(spec.model);
  if (path == config_.models.end()) {
    return Blamed{Failure::worker,
                  {Errc::not_found, "this worker has no model \"" + spec.model +
                                        "\"; it has: " + names_of(config_.models)}};
  }
  for (const RecipeLora& lora : spec.loras) {
    if (lora.sha256 || config_.loras.contains(lora.name)) continue;
    return Blamed{Failure::worker,
                  {Errc::not_found, "this worker has no LoRA \"" + lora.name +
                                        "\"; it has: " + names_of(config_.loras)}};
  }
  if (auto blamed = check_files(spec.model)) return blamed;
  if (!models_.contains(spec.model)) {
    log::info("engine", "loading model " + spec.model + " from " + path->second.string());
    auto opened = open(spec.model);
    if (!opened.ok()) {
      const Failure failure = blame_worker(opened.error());
      return Blamed{failure, std::move(opened).error().with("model " + spec.model)};
    }
    models_.emplace(spec.model, std::move(opened).value());
    ++counters_.model_loads;
  }
  return select(spec.model, spec.loras, ahead);
}

// A model whose files changed is read again: renderings go on with what is there now, and say so by
// its hash. One whose files are gone could not be loaded again, and the worker's next start would
// fail: better said now, by a job that another worker takes.
std::optional<Blamed> FluxEngineResidents::check_files(const std::string& name) {
  const auto found = models_.find(name);
  if (found == models_.end()) return std::nullopt;
  const auto [state, file] = found->second.stamps.compare();
  if (state == FileStamps::State::same) return std::nullopt;
  if (state == FileStamps::State::gone) {
    return Blamed{
        Failure::worker,
        {Errc::not_found, "model " + name + ": " + file.string() +
                              " is gone since the model was loaded; put it back, or start "
                              "this worker with another path"}};
  }
  log::warn("engine", "model " + name + ": " + file.string() + " changed; loading it again");
  let_go({name, "", 0});
  return std::nullopt;
}

Result<ResidentModel> FluxEngineResidents::open(const std::string& name) {
  const flux::KontextFiles files{config_.models.at(name), config_.tokenizers};
  const flux::KontextParts parts = TRY(flux::parts_of(files));
  std::vector<fs::path> all;
  for (const auto* some : {&parts.transformer, &parts.autoencoder, &parts.text}) {
    for (const fs::path& path : *some) {
      const auto found = TRY(model_files(path));
      all.insert(all.end(), found.begin(), found.end());
    }
  }
  FileStamps stamps = TRY(FileStamps::take(all));  // before they are read
  auto hash = hash_beside(parts.named_by);
  const flux::KontextBytes measured = TRY(flux::measure(files, dtype_, float8_));
  ModelBytes bytes{measured.transformer, measured.autoencoder, measured.text_encoders,
                   measured.pristine, measured.modulations};
  const bool modulations_on_host = config_.residency != ResidencyMode::pristine_on_device &&
                                   keeps_modulations_on_host(bytes, budget_, keeps_text());
  if (modulations_on_host) bytes = with_modulations_on_host(bytes);
  const ResidencyMode mode =
      config_.residency ? *config_.residency : TRY(choose_mode(bytes, budget_, keeps_text()));
  const std::uint64_t standing = standing_bytes(bytes, keeps_text()) +
                                 (mode == ResidencyMode::pristine_on_device ? bytes.pristine : 0);
  make_room(standing, Residency::Stay::lasting, name, "");
  flux::Kontext kontext = TRY(flux::Kontext::load(
      files, dtype_, device_,
      {pristine_at(mode), keeps_text(), streams_text_encoders(bytes, budget_, keeps_text()),
       float8_, modulations_on_host}));
  const Digest autoencoder = TRY(hash_files(parts.autoencoder));
  residency_.hold(name, "", standing);
  log::info("engine", "model " + name + " is resident, " + std::string(engine::name(mode)) +
                          (modulations_on_host ? ", modulations on the host" : ""));
  return ResidentModel{std::move(kontext),
                       mode,
                       bytes,
                       std::move(stamps),
                       parts.named_by,
                       parts.text,
                       std::move(hash),
                       autoencoder,
                       {},
                       {},
                       "",
                       ""};
}

Result<Digest> FluxEngineResidents::hash_files(const std::vector<fs::path>& paths) {
  std::vector<fs::path> all;
  for (const fs::path& path : paths) {
    const auto found = TRY(model_files(path));
    all.insert(all.end(), found.begin(), found.end());
  }
  return hashes_.files(all);
}

std::shared_future<Result<std::string>> FluxEngineResidents::hash_beside(fs::path model) {
  return std::async(std::launch::async,
                    [this, model = std::move(model)] { return hashes_.model(model); });
}

WeightsLater FluxEngineResidents::weights(const std::string& model) {
  ResidentModel& resident = models_.at(model);
  const bool is_known =
      resident.hash.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  if (is_known && !resident.hash.get().ok()) resident.hash = hash_beside(resident.named_by);
  WeightsLater later{resident.hash, {}};
  for (const UsedLora& used : resident.variants[resident.variant])
    later.loras.push_back(used.digests);
  return later;
}

fs::path FluxEngineResidents::path_of(const RecipeLora& lora) const {
  return lora.sha256 ? Blobs::path_in(config_.fetched_loras, lora.sha256)
                     : config_.loras.at(lora.name);
}

// The disk may have lost what was whole when it came. io: it is fetched again for the next try.
Result<LoraHash> FluxEngineResidents::hash_fetched(const RecipeLora& lora) {
  const fs::path path = path_of(lora);
  auto hash = hashes_.lora(path);
  if (!hash.ok()) return Error{Errc::io, hash.error().what};
  if (hash.value().sha256 == to_hex(lora.sha256)) return hash;
  std::error_code ignored;
  fs::remove(path, ignored);
  return Error{Errc::io, path.string() +
                             " was fetched whole and is damaged now; it was removed, to be fetched "
                             "again: see to this worker's disk"};
}

Result<std::vector<flux::ScaledLora>> FluxEngineResidents::load_loras(
    const std::vector<UsedLora>& uses) const {
  std::vector<flux::ScaledLora> loras;
  for (const UsedLora& used : uses)
    loras.push_back({TRY(flux::load_lora(path_of(used.lora))), used.lora.scale});
  return loras;
}

Result<std::vector<UsedLora>> FluxEngineResidents::hash_loras(
    const std::vector<RecipeLora>& loras) {
  std::vector<UsedLora> used;
  for (const RecipeLora& lora : loras) {
    const fs::path path = path_of(lora);
    auto hash = lora.sha256 ? hash_fetched(lora) : hashes_.lora(path);
    if (!hash.ok()) return std::move(hash).error().with("LoRA " + lora.name);
    std::error_code ignored;
    auto key =
        fs::is_directory(path, ignored) ? hash_files({path}) : parse_digest(hash.value().sha256);
    if (!key.ok()) return std::move(key).error().with("LoRA " + lora.name);
    used.push_back({lora, key.value(), {hash.value().sha256, hash.value().tensors_sha256}});
  }
  return used;
}

std::optional<Blamed> FluxEngineResidents::select(const std::string& name,
                                                  const std::vector<RecipeLora>& loras,
                                                  const ComingLoras* ahead) {
  auto hashed = hash_loras(loras);
  if (!hashed.ok()) return Blamed{blame_worker(hashed.error()), hashed.error()};
  ComingLoras coming{std::move(hashed).value(), {}, {}};
  const std::string key = coming.key = key_of(coming.used);
  ResidentModel& model = models_.at(name);
  flux::Variants& variants = model.kontext.variants();
  if (variants.contains(key)) {
    (void)variants.select(key, {});
  } else {
    const bool is_read = ahead != nullptr && ahead->key == key && !ahead->loaded.empty();
    auto loaded = is_read ? ahead->loaded : load_loras(coming.used);
    if (!loaded.ok()) return blame_for_lora(loaded.error());
    coming.loaded = std::move(loaded).value();
    const auto bytes = variants.bytes_to_merge(coming.loaded);
    if (!bytes.ok()) return blame_for_lora(bytes.error());
    make_room(bytes.value(), Residency::Stay::lasting, name, key);
    const auto selected = variants.select(key, coming.loaded);
    if (!selected.ok()) return blame_for_lora(selected.error());
    keep_variant(name, std::move(coming), bytes.value());
  }
  model.variant = key;
  // The trigger is the prompt's, and may differ: names and scales are what is shown.
  residency_.use(name, key);
  return std::nullopt;
}

// It was merged.
void FluxEngineResidents::keep_variant(const std::string& name, ComingLoras&& coming,
                                       std::uint64_t bytes) {
  ResidentModel& model = models_.at(name);
  if (model.kontext.variants().pristine_at() != flux::PristineAt::device) {
    model.variants.clear();
  } else {
    residency_.hold(name, coming.key, bytes);
  }
  for (std::size_t i = 0; i < coming.used.size(); ++i)
    coming.used[i].changes_clip = coming.loaded[i].lora.changes(flux::LoraModel::clip);
  if (!coming.used.empty()) ++counters_.lora_merges;
  model.variants[coming.key] = std::move(coming.used);
  publish_variants();
}

void FluxEngineResidents::publish_variants() {
  std::map<std::string, std::set<std::string>> there;
  for (const auto& [name, model] : models_) {
    if (model.mode != ResidencyMode::pristine_on_device) continue;
    there[name].insert("");
    for (const auto& [key, used] : model.variants) there[name].insert(key);
  }
  const std::scoped_lock lock(there_mutex_);
  there_ = std::move(there);
}

Result<ComingLoras> FluxEngineResidents::read_ahead(const RenderSpec& spec) {
  for (const RecipeLora& lora : spec.loras)
    if (!lora.sha256 && !config_.loras.contains(lora.name))
      return Error{Errc::not_found, "this worker has no LoRA " + lora.name};
  ComingLoras coming{TRY(hash_loras(spec.loras)), {}, {}};
  coming.key = key_of(coming.used);
  {
    const std::scoped_lock lock(there_mutex_);
    const auto there = there_.find(spec.model);
    if (there == there_.end() || there->second.contains(coming.key)) return coming;
  }
  coming.loaded = TRY(load_loras(coming.used));
  for (flux::ScaledLora& scaled : coming.loaded) flux::send_to_device(scaled.lora, device_);
  return coming;
}

std::optional<std::string> FluxEngineResidents::merge_ahead(const std::string& name,
                                                            const ComingLoras& coming) {
  const auto found = models_.find(name);
  if (found == models_.end()) return std::nullopt;
  ResidentModel& model = found->second;
  flux::Variants& variants = model.kontext.variants();
  if (variants.contains(coming.key)) return coming.key;
  if (coming.loaded.empty() || variants.pristine_at() != flux::PristineAt::device)
    return std::nullopt;
  const auto bytes = variants.bytes_to_merge(coming.loaded);
  if (!bytes.ok()) return std::nullopt;
  if (!residency_.has_room(bytes.value())) return std::nullopt;
  if (!variants.select(coming.key, coming.loaded).ok()) return std::nullopt;
  PIROUETTE_CHECK(variants.select(model.variant, {}).ok());  // it renders on with its own
  keep_variant(name, ComingLoras(coming), bytes.value());
  residency_.use(name, model.variant);
  return coming.key;
}

std::optional<Blamed> FluxEngineResidents::bring_text_encoders(const RenderSpec& spec) {
  ResidentModel& model = models_.at(spec.model);
  const std::vector<UsedLora> changing = clip_changing(model.variants[model.variant]);
  const std::string key = key_of(changing);
  if (model.kontext.has_text_encoders() && model.text_variant == key) return std::nullopt;
  auto loras = load_loras(changing);
  if (!loras.ok()) return blame_for_lora(loras.error());
  if (!keeps_text() && !streams_text_encoders(model.bytes, budget_, keeps_text()))
    make_room(model.bytes.text_encoders, Residency::Stay::passing, spec.model, model.variant);
  model.kontext.release_text_encoders();
  const auto came = model.kontext.bring_text_encoders(loras.value());
  if (!came.ok()) return blame_for_lora(came.error());
  model.text_variant = key;
  return std::nullopt;
}

void FluxEngineResidents::release_text_encoders(const std::string& model) {
  if (!keeps_text()) models_.at(model).kontext.release_text_encoders();
}

bool FluxEngineResidents::has_text_encoders(const std::string& name, const std::string& variant) {
  ResidentModel& model = models_.at(name);
  return model.kontext.has_text_encoders() &&
         model.text_variant == key_of(clip_changing(model.variants[variant]));
}

Result<Digest> FluxEngineResidents::text_hash(const std::string& name, const std::string& variant) {
  ResidentModel& model = models_.at(name);
  if (!model.text_hash) model.text_hash = TRY(hash_files(model.text_files));
  const std::string changes = key_of(clip_changing(model.variants[variant]));
  if (changes.empty()) return model.text_hash;
  return sha256(to_hex(model.text_hash) + '\n' + changes);
}

std::optional<Blamed> FluxEngineResidents::find_room(const RenderSpec& spec, std::uint64_t bytes) {
  if (bytes == 0) return std::nullopt;
  make_room(bytes, Residency::Stay::lasting, spec.model, models_.at(spec.model).variant);
  if (residency_.has_room(bytes)) return std::nullopt;
  constexpr int kMibBits = 20;
  return Blamed{Failure::worker,
                {Errc::invalid,
                 "the recipe's step_cache keeps " + std::to_string(bytes >> kMibBits) +
                     " MiB of keys and values beside the model, and this worker's memory budget "
                     "has no room for them; raise --memory-budget, or render smaller, or leave "
                     "reference= out of step_cache"}};
}

void FluxEngineResidents::make_room(std::uint64_t bytes, Residency::Stay stay,
                                    const std::string& model, const std::string& variant) {
  for (const Residency::Held& held : residency_.to_let_go(bytes, stay, model, variant))
    let_go(held);
}

void FluxEngineResidents::let_go(const Residency::Held& held) {
  const auto found = models_.find(held.model);
  residency_.drop(held.model, held.variant);
  if (found == models_.end()) return;
  if (held.variant.empty()) {
    log::info("engine", "model " + held.model + " was let go");
    models_.erase(found);
    publish_variants();
    return;
  }
  ResidentModel& model = found->second;
  if (model.variant == held.variant) model.variant.clear();
  model.kontext.variants().drop(held.variant);
  model.variants.erase(held.variant);
  publish_variants();
  ++counters_.variants_let_go;
  log::info("engine", "a variant of model " + held.model + " was let go");
}

void FluxEngineResidents::let_go_others(const std::string& model) {
  const std::vector<Residency::Held> held = residency_.held();
  const auto found = models_.find(model);
  const std::string kept = found == models_.end() ? "" : found->second.variant;
  for (const Residency::Held& each : held)
    if (each.model != model || (!each.variant.empty() && each.variant != kept)) let_go(each);
  if (found != models_.end()) found->second.kontext.release_text_encoders();
}

void FluxEngineResidents::let_go_all() {
  models_.clear();
  publish_variants();
  residency_ = Residency(budget_.device_bytes);
}

json FluxEngineResidents::describe() const {
  const auto& held = residency_.held();
  const std::string last = held.empty() ? "" : held.front().model;
  json said = {{"model", ""},
               {"loras", json::array()},
               {"models", json::array()},
               {"memory",
                {{"budget_bytes", budget_.device_bytes}, {"held_bytes", residency_.held_bytes()}}}};
  for (const auto& [name, resident] : models_) {
    json variants = json::array();
    for (const auto& [key, loras] : resident.variants) {
      if (variants.size() == kVariantsShown) break;
      if (!key.empty()) variants.push_back(lora_list(loras));
    }
    said["models"].push_back({{"name", name},
                              {"mode", engine::name(resident.mode)},
                              {"weights", float8_ ? "float8" : "wide"},
                              {"variants", variants},
                              {"text_encoders", resident.kontext.has_text_encoders()}});
    if (name != last) continue;
    said["model"] = name;
    const auto selected = resident.variants.find(resident.variant);
    if (selected != resident.variants.end()) said["loras"] = lora_list(selected->second);
  }
  return said;
}

}  // namespace pirouette::engine
