#pragma once
// The engine that renders: FLUX.1 Kontext on libtorch, behind the torch-free engine.h. A model is
// loaded for its first job and stays, with as many merged variants of LoRAs as the memory allows
// (flux_engine_residents.h); text embeddings are cached in memory and on disk, reference latents in
// memory. The files called flux_engine are the only ones that know both the agent's types and the
// model; flux_engine.cpp is the wall where torch's exceptions end.

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/result.h"
#include "worker/engine/engine.h"
#include "worker/engine/residency/residency.h"

namespace pirouette::engine {

struct FluxEngineConfig {
  // name -> folder or file, in any layout of worker/flux/storage/model_source.h
  std::map<std::string, std::filesystem::path> models;
  std::optional<std::filesystem::path> tokenizers;     // of all models; by default each one's own
  std::map<std::string, std::filesystem::path> loras;  // name -> file or PEFT adapter folder
  std::filesystem::path fetched_loras;  // blob folder of those that recipes name by their bytes
  std::string device = "cpu";           // or "cuda", "cuda:1"
  std::string dtype = "float32";        // or "bfloat16"
  WeightsAs weights = WeightsAs::automatic;  // float8 or as dtype says
  int threads = 0;                           // of the CPU; 0: as many as there are cores
  std::uint64_t memory_budget_bytes = 0;     // of the device; 0: what is free at the start
  std::optional<ResidencyMode> residency;    // none: chosen from the budget
  bool keep_text_encoders = false;           // between prompts
  // Embeddings and hashes on disk, for this worker alone; empty for none.
  std::filesystem::path cache_folder;
  std::uint64_t embeddings_max_bytes = 2ull << 30;  // on disk: some 500 prompts
};

// Checks that every named path is there and is what it should be; loads weights only for the first
// job. invalid, not_found: which path is wrong and what was expected.
Result<std::unique_ptr<Engine>> make_flux_engine(const FluxEngineConfig& config);

}  // namespace pirouette::engine
