#pragma once
// What happens to a worker, as its agent is told it (past tense), and what the agent wants done
// (imperative). Plain data.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/hash.h"
#include "common/ids.h"
#include "common/job/recipe.h"
#include "common/time.h"

namespace pirouette::agent {

enum class FailureClass { retryable, job, worker };

// A finished rendering that the coordinator has not acknowledged yet.
struct Finished {
  LeaseId lease;
  JobId job;
  Digest digest;
  std::string metrics;  // one JSON object
  bool operator==(const Finished&) const = default;
};

// --- from the coordinator (the link reads them off the wire)
// ----------------------------------------

struct Connected {};     // the socket reached the coordinator, once more or for the first time
struct Disconnected {};  // what was on its way either way is lost
struct Welcomed {
  Duration heartbeat;
  Duration lease;
};
struct TurnedAway {
  std::string why;
};
struct Assigned {
  LeaseId lease;
  JobId job;
  RenderSpec spec;
};
// Its order is damaged or beyond the limits.
struct AssignedUnreadable {
  LeaseId lease;
  std::string why;
};
struct Acknowledged {
  LeaseId lease;
};
struct ResultWanted {
  LeaseId lease;
};
struct CancelAsked {
  LeaseId lease;
};
struct DrainAsked {};
struct HelloAsked {};
struct CoordinatorWasHeard {};  // beside each frame from it

// --- from the worker itself
// -------------------------------------------------------------------------

struct ReferenceFetched {
  Digest digest;
};
struct ReferenceFailed {
  Digest digest;
  FailureClass failure = FailureClass::retryable;
  std::string why;
};
struct LoraFetched {
  Digest digest;
};
struct LoraFailed {
  Digest digest;
  FailureClass failure = FailureClass::retryable;
  std::string why;
};
struct RenderStepped {
  LeaseId lease;
  std::uint32_t step = 0, of = 0;
};
struct RenderFinished {
  LeaseId lease;
  Digest digest;
  std::string metrics;
};
struct RenderFailed {
  LeaseId lease;
  FailureClass failure = FailureClass::retryable;
  bool cancelled = false;
  std::string why;
};
struct ResultKept {  // on disk, synced
  LeaseId lease;
};
struct ResultNotKept {  // disk full or broken; the picture is still in memory
  LeaseId lease;
  std::string why;
};
struct BlobStored {
  Digest digest;
};
// The picture cannot be handed in, ever: it is damaged or gone from the outbox.
struct BlobLost {
  Digest digest;
  std::string why;
};
struct StopAsked {};
struct Ticked {
  std::string residency;  // JSON, as the engine says it now
};

using Event = std::variant<Connected, Disconnected, Welcomed, TurnedAway, Assigned,
                           AssignedUnreadable, Acknowledged, ResultWanted, CancelAsked, DrainAsked,
                           HelloAsked, CoordinatorWasHeard, ReferenceFetched, ReferenceFailed,
                           LoraFetched, LoraFailed, RenderStepped, RenderFinished, RenderFailed,
                           ResultKept, ResultNotKept, BlobStored, BlobLost, StopAsked, Ticked>;

// --- says: messages to the coordinator, in order, in one frame
// ------------------------------------------

struct SayHello {
  std::uint32_t capacity = 0;
  std::vector<std::pair<LeaseId, JobId>> held;
  std::vector<Finished> outbox;
};
struct SayChangedCapacity {
  std::uint32_t capacity = 0;
  std::string why;
};
struct SayHeartbeat {
  std::string residency;       // empty: unchanged
  std::uint32_t capacity = 0;  // as it was said last: that word may have been lost, or overtaken
};
struct SayRefused {
  LeaseId lease;
  std::string why;
};
struct SayProgressed {
  LeaseId lease;
  std::uint32_t step = 0, of = 0;
};
struct SayFailed {
  LeaseId lease;
  FailureClass failure = FailureClass::retryable;
  std::string message;
};
struct SayFinished {
  Finished result;
};
struct SayGoodbye {};
using Say = std::variant<SayHello, SayChangedCapacity, SayHeartbeat, SayRefused, SayProgressed,
                         SayFailed, SayFinished, SayGoodbye>;

// --- tasks: answered by an event, but for Stop…, Drop… and Forget…
// -----------------------------------

struct FetchReference {  // ReferenceFetched | ReferenceFailed
  Digest digest;
};
// All that one job needs, so that they are there together. What an earlier job wanted that is not
// held any more is wanted no longer.
struct FetchLoras {  // LoraFetched | LoraFailed for each
  std::vector<RecipeLora> loras;
};
// Renders in the order they were asked for, one at a time.
struct StartRender {  // RenderStepped …, then RenderFinished | RenderFailed
  LeaseId lease;
  RenderSpec spec;
};
struct StopRender {
  LeaseId lease;
};
// without_picture: the coordinator has these bytes already.
struct KeepResult {  // ResultKept | ResultNotKept
  Finished result;
  bool without_picture = false;
};
// The picture in memory of a lease that was cancelled.
struct DropPicture {
  LeaseId lease;
};
struct ForgetResult {
  LeaseId lease;
};
struct PutBlob {  // BlobStored | BlobLost
  Digest digest;
};
using Task = std::variant<FetchReference, FetchLoras, StartRender, StopRender, KeepResult,
                          DropPicture, ForgetResult, PutBlob>;

struct Leave {
  bool turned_away = false;
  std::string why;
};

struct Actions {
  std::vector<Say> says;
  std::vector<Task> tasks;
  std::optional<Leave> leave;  // nothing follows it but KeepResult of what finished by then
};

}  // namespace pirouette::agent
