#include "worker/engine/flux_engine_texts.h"

#include <exception>
#include <utility>

#include "common/log.h"
#include "worker/flux/text_embedding_bytes.h"
#include "worker/flux/to_device.h"

namespace pirouette::engine {
namespace {

// A prompt's embedding is 8 MB (512 x 4096 floats): half a gigabyte in all. A sheet has 4 to 8
// prompts, so the next sheets' fit too.
constexpr std::size_t kTextCacheMax = 64;

}  // namespace

FluxEngineTexts::FluxEngineTexts(const FluxEngineConfig& config, at::Device device,
                                 FluxEngineResidents& residents, FluxEngineCounters& counters)
    : config_(config),
      device_(device),
      residents_(residents),
      counters_(counters),
      store_(config.cache_folder.empty() ? std::filesystem::path()
                                         : config.cache_folder / "embeddings",
             config.embeddings_max_bytes),
      texts_(kTextCacheMax) {}

std::optional<Blamed> FluxEngineTexts::embed(const RenderSpec& spec, const std::string& prompt,
                                             flux::TextEmbedding& embedding) {
  // A length that no model takes is the job's; else tokenizer, encoders and model do not fit.
  const bool is_usual =
      spec.max_sequence_length >= 1 && spec.max_sequence_length <= flux::kSequenceLengthMax;
  const Failure blame = is_usual ? Failure::worker : Failure::job;
  const auto key = key_of(spec, residents_.get(spec.model).variant, prompt);
  if (!key.ok()) return Blamed{blame_worker(key.error()), key.error()};
  if (const auto found = find(key.value())) {
    ++counters_.text_cache_hits;
    embedding = *found;
    return std::nullopt;
  }
  if (auto blamed = residents_.bring_text_encoders(spec)) return blamed;
  auto made = make(spec, prompt, key.value());
  if (!made.ok()) return Blamed{blame, made.error()};
  embedding = std::move(made).value();
  return std::nullopt;
}

bool FluxEngineTexts::embed_ahead(const RenderSpec& spec, const std::string& variant,
                                  const std::string& prompt) {
  const auto key = key_of(spec, variant, prompt);
  if (!key.ok() || find(key.value())) return false;
  return residents_.has_text_encoders(spec.model, variant) && make(spec, prompt, key.value()).ok();
}

Result<Digest> FluxEngineTexts::key_of(const RenderSpec& spec, const std::string& variant,
                                       const std::string& prompt) {
  const Digest encoder = TRY(residents_.text_hash(spec.model, variant));
  return sha256(to_hex(encoder) + '\n' + config_.dtype + '\n' +
                std::to_string(spec.max_sequence_length) + '\n' + prompt);
}

std::optional<flux::TextEmbedding> FluxEngineTexts::find(const Digest& key) {
  if (const auto* cached = texts_.find(key)) return *cached;
  const auto stored = store_.find(key);
  if (!stored) return std::nullopt;
  auto parsed = flux::parse_text_embedding(*stored);
  if (!parsed.ok()) return std::nullopt;
  return texts_.put(key, {flux::to_device(parsed.value().sequence, device_),
                          flux::to_device(parsed.value().pooled, device_)});
}

Result<flux::TextEmbedding> FluxEngineTexts::make(const RenderSpec& spec, const std::string& prompt,
                                                  const Digest& key) {
  const auto made =
      TRY(residents_.get(spec.model).kontext.embed_text(prompt, spec.max_sequence_length));
  ++counters_.text_encodings;
  if (!config_.cache_folder.empty()) unsaved_.push_back({key, made});
  return texts_.put(key, made);
}

// Of any thread, a picture's finishing one: an embedding that is not kept is only made again.
void FluxEngineTexts::save(const std::vector<Unsaved>& unsaved) const {
  for (const auto& [key, embedding] : unsaved) {
    try {
      const auto saved = store_.save(key, flux::format_text_embedding(embedding));
      if (!saved.ok()) log::warn("engine", "the embedding is not kept: " + saved.error().what);
    } catch (const std::exception& error) {
      log::warn("engine", std::string("the embedding is not kept: ") + error.what());
    }
  }
}

}  // namespace pirouette::engine
