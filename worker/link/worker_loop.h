#pragma once
// The worker's process around the pure agent: a loop that owns the control socket, the outbox and
// the agent; a thread that calls the engine; a blob thread (blob_client.h). The loop turns what
// arrives into the agent's events and the agent's actions into calls. It decides nothing itself.
//
// The loop's rounds are run by one thread at a time: by the one that renders while it has nothing
// to render, so that a job of an idle worker starts on the thread that read of it; else by the one
// that called run(). That job begins when its round is over: where a picture was finished in the
// same round, behind the sync of that.
//
// A round: wait; step the agent with everything that waits; sync the outbox once; step what became
// durable; send one frame. So a result is on disk before it is reported, and many short jobs share
// one sync.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/engine/engine.h"
#include "worker/link/stop_flag.h"

namespace pirouette::link {

struct WorkerConfig {
  std::string name;                            // the farm knows the worker by it, for ever
  std::string control_endpoint;                // "tcp://farm.example:5571"
  std::string blob_endpoint;                   // "tcp://farm.example:5572"
  std::filesystem::path key_file;              // worker.key; empty: plain, only to loopback
  std::filesystem::path folder;                // outbox and cache; one worker process a folder
  std::uint32_t prefetch = 1;                  // jobs taken beyond the one that renders
  std::uint64_t cache_max_bytes = 4ull << 30;  // of references
  std::vector<std::string> tags = {};          // what recipes may require of it
  std::filesystem::path lora_cache;            // one worker process a folder; empty: in folder
  std::uint64_t lora_cache_max_bytes = 20ull << 30;  // 0: it fetches no LoRAs

  std::filesystem::path lora_folder() const {
    return lora_cache.empty() ? folder / "loras" : lora_cache;
  }
};

// Works until it is stopped, drained or turned away. Returns an Error when it could not start
// (keys, folder, endpoints) or the coordinator turned it away; the text says what to do.
Result<void> run(const WorkerConfig& config, engine::Engine& engine, const StopFlag& stop);

}  // namespace pirouette::link
