#pragma once
// The models that a worker has in memory, each with its merged variants: loads what a job needs and
// lets go what has to go for it. residency.h decides; here it is done. Before every job the files
// that a model was read from are looked at: one that changed is read again, one that is gone is
// this worker's failure. Owned by the rendering thread, but for read_ahead().

#include <ATen/core/ivalue.h>
// (keep this order)
#include <ATen/ATen.h>

#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/job/parameters.h"
#include "common/result.h"
#include "worker/engine/engine.h"
#include "worker/engine/flux_engine.h"
#include "worker/engine/flux_engine_counters.h"
#include "worker/engine/picture/weight_hashes.h"
#include "worker/engine/residency/file_stamps.h"
#include "worker/engine/residency/residency.h"
#include "worker/flux/kontext.h"

namespace pirouette::engine {

// An Error of a part, and who is to blame for it.
struct Blamed {
  Failure failure;
  Error error;
};

// This worker's own files: what is wrong with them another worker may have right.
Failure blame_worker(const Error& error);

struct UsedLora {
  RecipeLora lora;
  Digest key;  // of all its files: a PEFT adapter's settings count as its tensors do
  WeightDigests::Lora digests;  // that its pictures name
  bool changes_clip = false;    // known once it was read
};

// Those of a job to come.
struct ComingLoras {
  std::vector<UsedLora> used;
  std::string key;                       // the variant's
  std::vector<flux::ScaledLora> loaded;  // on their way to the device; none where it is there
};

struct ResidentModel {
  flux::Kontext kontext;
  ResidencyMode mode;
  ModelBytes bytes;
  FileStamps stamps;
  std::filesystem::path named_by;  // the file or folder whose hash pictures name
  std::vector<std::filesystem::path> text_files;
  // Made beside loading and the first rendering, which waits for it at its end.
  std::shared_future<Result<std::string>> hash;
  Digest autoencoder_hash;
  Digest text_hash;  // of text encoders and tokenizers; none until a prompt asks for it
  std::map<std::string, std::vector<UsedLora>> variants;  // in memory, by key; "" has none
  std::string variant;                                    // the one that is selected
  std::string text_variant;  // of which the text encoders that are there have CLIP's changes
};

// What a picture's weights hash to, once the model's hash is known.
struct WeightsLater {
  std::shared_future<Result<std::string>> model;
  std::vector<WeightDigests::Lora> loras;

  Result<WeightDigests> wait() const {
    const Result<std::string>& hash = model.get();
    if (!hash.ok()) return hash.error();
    return WeightDigests{hash.value(), loras};
  }
};

class FluxEngineResidents {
 public:
  FluxEngineResidents(const FluxEngineConfig& config, at::ScalarType dtype, at::Device device,
                      FluxEngineCounters& counters);
  ~FluxEngineResidents() { hashes_.stop(); }

  // The next job's, while another renders. Of the thread that prepares: reads its LoRAs where
  // merge_ahead() can use them.
  Result<ComingLoras> read_ahead(const RenderSpec& spec);
  // Of the rendering thread, between two steps: the variant, which is there now, merged beside the
  // one that renders if nothing has to go for it. None: the job itself has to see to it.
  std::optional<std::string> merge_ahead(const std::string& model, const ComingLoras& coming);
  // Whether prompts of that variant can be encoded at once.
  bool has_text_encoders(const std::string& model, const std::string& variant);

  // Makes the model of the spec, with its LoRAs merged, the one that get() gives. ahead: what was
  // read of them before; maybe none.
  std::optional<Blamed> make_resident(const RenderSpec& spec, const ComingLoras* ahead);
  bool has(const std::string& model) const { return models_.contains(model); }
  ResidentModel& get(const std::string& model) { return models_.at(model); }
  // What the selected variant is made of; any thread may wait for it. After an error (io,
  // cancelled) the next call hashes again.
  WeightsLater weights(const std::string& model);
  // For what a rendering keeps beside what every rendering takes; others go for it.
  std::optional<Blamed> find_room(const RenderSpec& spec, std::uint64_t kept_bytes);
  // For as long as a prompt is encoded: with the changes that the selected LoRAs make to CLIP.
  std::optional<Blamed> bring_text_encoders(const RenderSpec& spec);
  void release_text_encoders(const std::string& model);
  // What an embedding depends on besides the prompt; the LoRAs count where they change CLIP.
  Result<Digest> text_hash(const std::string& model, const std::string& variant);

  // Out of memory: all but what this model needs, or everything.
  void let_go_others(const std::string& model);
  void let_go_all();

  // The blocks' large weights are rendered with in float8.
  bool float8() const { return float8_; }

  // What residency() says, without counters and caches.
  nlohmann::json describe() const;

 private:
  std::optional<Blamed> check_files(const std::string& name);
  std::optional<Blamed> load(const std::string& name);
  std::optional<Blamed> select(const std::string& name, const std::vector<RecipeLora>& loras,
                               const ComingLoras* ahead);
  Result<ResidentModel> open(const std::string& name);
  void keep_variant(const std::string& name, ComingLoras&& coming, std::uint64_t bytes);
  void publish_variants();
  std::filesystem::path path_of(const RecipeLora& lora) const;
  Result<LoraHash> hash_fetched(const RecipeLora& lora);
  Result<std::vector<UsedLora>> hash_loras(const std::vector<RecipeLora>& loras);
  Result<std::vector<flux::ScaledLora>> load_loras(const std::vector<UsedLora>& uses) const;
  std::shared_future<Result<std::string>> hash_beside(std::filesystem::path model);
  Result<Digest> hash_files(const std::vector<std::filesystem::path>& paths);
  void make_room(std::uint64_t bytes, Residency::Stay stay, const std::string& model,
                 const std::string& variant);
  void let_go(const Residency::Held& held);
  bool keeps_text() const { return config_.keep_text_encoders; }

  const FluxEngineConfig& config_;
  const at::ScalarType dtype_;
  const bool float8_;
  const at::Device device_;
  FluxEngineCounters& counters_;
  WeightHashes hashes_;
  MemoryBudget budget_;
  Residency residency_;
  std::map<std::string, ResidentModel> models_;

  std::mutex there_mutex_;
  // Of models that merge beside each other, the variants that are there: for read_ahead().
  std::map<std::string, std::set<std::string>> there_;
};

}  // namespace pirouette::engine
