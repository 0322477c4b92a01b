#pragma once
// Numbers that name things. Each kind is its own type, so a SheetId cannot be passed for a JobId.
// 0 means "none". All are counted up from 1 by the core and never reused.

#include <compare>
#include <cstdint>

namespace pirouette {

template <typename Tag>
struct Id {
  std::uint64_t value = 0;
  auto operator<=>(const Id&) const = default;
  explicit operator bool() const { return value != 0; }
};

using BatchId = Id<struct BatchTag>;
using SheetId = Id<struct SheetTag>;
using PoseId = Id<struct PoseTag>;
using JobId = Id<struct JobTag>;
using LeaseId = Id<struct LeaseTag>;      // the fencing token of one assignment
using WorkerId = Id<struct WorkerTag>;    // one per worker name, for ever
using LoraId = Id<struct LoraTag>;        // one registration of bytes under a LoRA's name
using EventId = Id<struct EventTag>;      // a row of the ledger
using LinkId = Id<struct LinkTag>;        // one worker process's connection; new at each Hello
using RequestId = Id<struct RequestTag>;  // somebody waits for an answer to this one

}  // namespace pirouette
