#pragma once
// What the engine counts, for metrics and tests. Counted by the engine's threads, read by any.

#include <atomic>
#include <cstdint>

namespace pirouette::engine {

struct FluxEngineCounters {
  std::atomic<std::uint64_t> model_loads = 0;
  std::atomic<std::uint64_t> lora_merges = 0;
  std::atomic<std::uint64_t> variants_let_go = 0;
  std::atomic<std::uint64_t> text_encodings = 0;
  std::atomic<std::uint64_t> text_cache_hits = 0;
  std::atomic<std::uint64_t> reference_cache_hits = 0;
  std::atomic<std::uint64_t> out_of_memory = 0;
  std::atomic<std::uint64_t> renders = 0;
  std::atomic<std::uint64_t> busy_us = 0;    // denoising and decoding, on the device's clock
  std::atomic<std::uint64_t> waits = 0;      // from one picture to the next that was waiting
  std::atomic<std::uint64_t> waited_us = 0;  // and how long, on the device's clock
};

}  // namespace pirouette::engine
