#pragma once
// What happened, as the core is told it. Past tense. Everything that the core decides, it decides
// from these and the time it is handed.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/hash.h"
#include "common/ids.h"
#include "common/job/recipe.h"
#include "common/result.h"
#include "coordinator/core/change.h"
#include "coordinator/core/state.h"

namespace pirouette::core {

// --- from people (http)
// ---------------------------------------------------------------------------

struct BatchSubmitted {
  RequestId request;
  BatchSpec batch;
  std::string key;  // sent again with the same key, nothing is made again; "": none
  Digest digest;    // of what was sent; with a key only
};

struct WorkerDrainRequested {
  RequestId request;
  WorkerId worker;
};

// Bytes that are stored as a blob already are to be a LoRA under this name.
struct LoraOffered {
  RequestId request;
  std::string by;  // who says they ask; "" where nobody says
  std::string name;
  Digest sha256;
  std::uint64_t bytes = 0;
  std::optional<std::string> trigger;  // none: what it has, if it is there already
  bool replace = false;                // other bytes may have the name until now
};

// No batch gets it any more by its name.
struct LoraRetired {
  RequestId request;
  std::string by;
  std::string name;
};

// --- from workers (dispatch)
// ------------------------------------------------------------------------

struct HeldLease {
  LeaseId lease;
  JobId job;
};

struct WorkerSaidHello {
  LinkId link;
  std::string name;
  std::string device_kind, device_name;
  std::uint64_t memory_bytes = 0;
  std::string engine_build;
  std::uint32_t capacity = 0;  // slots + prefetch
  std::vector<std::string> models, loras;
  std::vector<std::string> tags;
  std::vector<HeldLease>
      held;  // rendering or waiting to render; finished ones come as LeaseFinished
  std::uint64_t lora_cache_bytes = 0;
};

// It takes this many leases at once from now on (0: none for the time being, and why).
struct WorkerChangedCapacity {
  LinkId link;
  std::uint32_t capacity = 0;
  std::string why;
};

struct WorkerWasHeard {
  LinkId link;
  std::string residency;                       // JSON; empty: unchanged
  std::optional<std::uint32_t> capacity = {};  // as it said last; none: it does not say
};

struct WorkerSaidGoodbye {
  LinkId link;
};

struct LeaseRefused {
  LinkId link;
  LeaseId lease;
  std::string why;
};

struct LeaseProgressed {
  LinkId link;
  LeaseId lease;
  std::uint32_t step = 0, of = 0;
};

struct LeaseFailed {
  LinkId link;
  LeaseId lease;
  FailureClass failure = FailureClass::retryable;
  std::string message;
};

struct LeaseFinished {
  LinkId link;
  LeaseId lease;
  JobId job;
  Digest result;
  std::string metrics;         // JSON
  bool result_stored = false;  // dispatch looked: the blob is whole and durable
};

// --- from assembly
// ------------------------------------------------------------------------------------

struct SheetAssembled {
  SheetId sheet;
  std::uint32_t version = 0;
  Digest picture, thumbnail;
  std::string checks;  // JSON
};

struct SheetAssemblyFailed {
  SheetId sheet;
  std::uint32_t version = 0;
  Error error;  // io: the disk, and it is tried until that is mended
};

// --- from the store
// ------------------------------------------------------------------------------------

// The rows of a settled batch that a Recall asked for: batch, sheets, poses, jobs and leases.
struct BatchRecalled {
  Result<State> rows;
  ChangeRequested then;
};

// --- from the clock
// -------------------------------------------------------------------------------------

struct Ticked {};

using Event =
    std::variant<BatchSubmitted, ChangeRequested, WorkerDrainRequested, LoraOffered, LoraRetired,
                 WorkerSaidHello, WorkerChangedCapacity, WorkerWasHeard, WorkerSaidGoodbye,
                 LeaseRefused, LeaseProgressed, LeaseFailed, LeaseFinished, SheetAssembled,
                 SheetAssemblyFailed, BatchRecalled, Ticked>;

}  // namespace pirouette::core
