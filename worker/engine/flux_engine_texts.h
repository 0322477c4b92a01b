#pragma once
// Prompts as their embeddings: in memory, on disk, or made now by the text encoders. What is made
// reaches the disk later, on another thread: no device waits for a disk. Owned by the rendering
// thread, but for save().

#include <optional>
#include <string>
#include <vector>

#include "worker/engine/flux_engine.h"
#include "worker/engine/flux_engine_counters.h"
#include "worker/engine/flux_engine_residents.h"
#include "worker/engine/lru.h"
#include "worker/engine/residency/embedding_store.h"
#include "worker/flux/text_encoders.h"

namespace pirouette::engine {

class FluxEngineTexts {
 public:
  struct Unsaved {
    Digest key;
    flux::TextEmbedding embedding;
  };

  // All must outlive it.
  FluxEngineTexts(const FluxEngineConfig& config, at::Device device, FluxEngineResidents& residents,
                  FluxEngineCounters& counters);

  // With the selected variant, which is the spec's.
  std::optional<Blamed> embed(const RenderSpec& spec, const std::string& prompt,
                              flux::TextEmbedding& embedding);
  // While another job renders: if it is on disk, or the text encoders are there. The variant is the
  // spec's.
  // Whether it had to be made.
  bool embed_ahead(const RenderSpec& spec, const std::string& variant, const std::string& prompt);

  std::vector<Unsaved> take_unsaved() { return std::exchange(unsaved_, {}); }
  void save(const std::vector<Unsaved>& unsaved) const;

  void clear() { texts_.clear(); }
  std::size_t size() const { return texts_.size(); }

 private:
  Result<Digest> key_of(const RenderSpec& spec, const std::string& variant,
                        const std::string& prompt);
  std::optional<flux::TextEmbedding> find(const Digest& key);
  Result<flux::TextEmbedding> make(const RenderSpec& spec, const std::string& prompt,
                                   const Digest& key);

  const FluxEngineConfig& config_;
  const at::Device device_;
  FluxEngineResidents& residents_;
  FluxEngineCounters& counters_;
  const EmbeddingStore store_;
  Lru<Digest, flux::TextEmbedding> texts_;
  std::vector<Unsaved> unsaved_;
};

}  // namespace pirouette::engine
