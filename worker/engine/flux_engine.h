#pragma once
// The engine that renders: FLUX.1 Kontext on libtorch, behind the torch-free engine.h. A model is
// loaded once, for its first job, and stays; its LoRAs are merged again only when a job wants
// others; text embeddings and reference latents are cached. flux_engine.cpp is the only file that
// knows both the agent's types and the model, and the wall where torch's exceptions end.

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/result.h"
#include "worker/engine/engine.h"

namespace pirouette::engine {

struct FluxEngineConfig {
  // name -> folder or file, in any layout of worker/flux/storage/model_source.h
  std::map<std::string, std::filesystem::path> models;
  std::optional<std::filesystem::path> tokenizers;     // of all models; by default each one's own
  std::map<std::string, std::filesystem::path> loras;  // name -> file or PEFT adapter folder
  std::string dtype = "float32";                       // or "bfloat16"
  int threads = 0;                                     // of the CPU; 0: as many as there are cores
};

// Checks that every named path is there and is what it should be; loads weights only for the first
// job. invalid, not_found: which path is wrong and what was expected.
Result<std::unique_ptr<Engine>> make_flux_engine(const FluxEngineConfig& config);

}  // namespace pirouette::engine
