#pragma once
// What the coordinator knows, as plain structs: the rows of the database and the core's memory are
// the same types. Pure data; only the core changes it.
//
// A batch stays in memory while a job of it may still change: until it is settled. Of a settled
// batch only the database knows; a person's wish recalls it from there (change.h).

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/hash.h"
#include "common/ids.h"
#include "common/job/recipe.h"
#include "common/time.h"

namespace pirouette::core {

// Stored as these numbers: append, never reorder.
enum class JobState : std::uint8_t { held, queued, leased, done, failed, cancelled };
enum class SheetState : std::uint8_t { rendering, ready, incomplete, approved, cancelled };
enum class BatchState : std::uint8_t { running, finished, cancelled };
enum class Proof : std::uint8_t { none, waiting, passed };
enum class Review : std::uint8_t { unreviewed, approved, rejected };
enum class WorkerState : std::uint8_t { online, draining, lost, gone };
enum class FailureClass : std::uint8_t { retryable, job, worker };

std::string_view name(JobState);
std::string_view name(SheetState);
std::string_view name(BatchState);
std::string_view name(Proof);
std::string_view name(Review);
std::string_view name(WorkerState);
std::string_view name(FailureClass);

struct Batch {
  BatchId id;
  std::string name;
  std::string owner;
  int priority = 50;
  std::optional<Instant> deadline;
  std::shared_ptr<const Recipe> recipe;
  BatchState state = BatchState::running;
  bool paused = false;     // none of its jobs is given out
  bool idle_only = false;  // it takes only what nobody else can use
  Instant submitted_at;
  std::optional<Instant> finished_at;
  std::uint32_t sheets = 0;
  std::uint32_t sheets_open = 0;  // rendering, or put together just now
  std::uint32_t jobs = 0;
  std::uint32_t jobs_done = 0;
  std::uint32_t jobs_failed = 0;
  std::uint32_t jobs_cancelled = 0;
  std::string submission_key;          // the submitter's word for this submission; "": none
  Digest submission;                   // SHA-256 of what came under that word
  Duration rendered;                   // what its jobs took of workers, done or failed
  std::optional<Instant> rendered_at;  // when the last of them ended
  // When it will be ready, as likely as not and in nine nights of ten; none while nobody can say.
  std::optional<Instant> ready_p50, ready_p90;
  bool at_risk = false;  // it was said that the deadline may not be met

  // Nothing of it can change any more but by a person's wish.
  bool settled() const {
    return state != BatchState::running && sheets_open == 0 &&
           (state == BatchState::cancelled || jobs_done + jobs_cancelled == jobs);
  }
};

struct Sheet {
  SheetId id;
  BatchId batch;
  std::uint32_t index = 0;  // its place in the batch
  std::string character;
  std::string notes;
  Digest reference;
  Digest original;  // what the studio sent, where the reference was cut out of it; none: the same
  std::optional<std::uint64_t> seed;
  std::optional<int> priority;  // where it is not its batch's
  SheetState state = SheetState::rendering;
  PoseId first_pose;  // poses are numbered in a row
  std::uint32_t poses = 0;
  std::uint32_t version = 0;  // of the assembled picture; 0: none yet
  Digest picture;
  Digest thumbnail;
  std::string checks;         // JSON: what assembly noticed, view by view
  Proof proof = Proof::none;  // of a recipe with one: whether its other views may be rendered
};

struct Pose {
  PoseId id;
  SheetId sheet;
  std::uint32_t view = 0;              // index into the recipe's views
  JobId latest;                        // its newest take
  JobId chosen;                        // the take it shows; none until one is done
  Review review = Review::unreviewed;  // of the take it shows
  std::string review_note;             // what the reviewer said
};

struct Job {
  JobId id;
  PoseId pose;
  SheetId sheet;
  BatchId batch;
  std::uint32_t take = 1;
  std::uint64_t seed = 0;
  std::string correction;
  JobState state = JobState::queued;
  std::uint32_t attempts = 0;  // leases ever given
  std::uint32_t failures = 0;  // of which failed
  std::uint32_t losses = 0;    // of which were lost with their worker
  LeaseId lease;               // the current one, while leased
  WorkerId worker;             // who holds it; once done, who made it
  std::optional<Instant> queued_at, leased_at, ended_at;
  Digest result;
  std::string metrics;  // JSON from the worker that made it
  std::string error;    // why it failed last
};

// One assignment. Kept for ever: whoever once held a lease of a job may hand in its picture.
struct Lease {
  LeaseId id;
  JobId job;
  WorkerId worker;
  std::uint32_t attempt = 0;
  Instant leased_at;
};

struct Worker {
  WorkerId id;
  std::string name;
  WorkerState state = WorkerState::gone;
  std::string device_kind;  // "cpu", "cuda"
  std::string device_name;
  std::uint64_t memory_bytes = 0;
  std::string engine_build;
  std::uint32_t capacity = 0;              // leases it takes at once: slots + prefetch
  std::vector<std::string> models, loras;  // in its own folders
  std::uint64_t lora_cache_bytes = 0;      // room for registered LoRAs; 0: it fetches none
  std::vector<std::string> tags;           // what its admin calls it; a recipe may require some
  std::string quarantine;  // why it gets no work before it has proven itself; "": it may work
  std::string residency;   // JSON: what it has in memory and in that cache, as it says
  Instant joined_at, heard_at;
  std::uint64_t jobs_done = 0;
  std::uint64_t jobs_failed = 0;
};

// Bytes that were registered as a LoRA under a name. Other bytes under the same name are another
// one, and retire it. Kept for ever: batches were rendered with it.
struct Lora {
  LoraId id;
  std::string name;
  Digest sha256;
  std::uint64_t bytes = 0;
  std::string trigger;  // words that it was trained on; "" for none
  Instant added_at;
  std::string added_by;  // "" where nobody said
  std::optional<Instant> retired_at;
};

// A row of the ledger: everything that changed, when, why, by whom. kind is one of the names in
// ledger.h; ids that do not apply are none.
struct LedgerRow {
  EventId id;
  Instant at;
  std::string kind;
  BatchId batch;
  SheetId sheet;
  PoseId pose;
  JobId job;
  LeaseId lease;
  WorkerId worker;
  std::string detail;  // plain words or JSON, may be empty
};

// Lease numbers of one farm share their upper half, its epoch, drawn at random when its database is
// made: a number that another farm gave is known as such, and no worker hands in a picture for the
// wrong job. An epoch holds 2^32 leases, a thousand a minute for eight thousand years.
inline constexpr int kLeaseEpochShift = 32;
constexpr std::uint64_t epoch_of(LeaseId lease) { return lease.value >> kLeaseEpochShift; }

// The next number of each kind.
struct Counters {
  BatchId batch{1};
  SheetId sheet{1};
  PoseId pose{1};
  JobId job{1};
  LeaseId lease{1};
  WorkerId worker{1};
  LoraId lora{1};
  EventId event{1};
};

// A submission that came with a key: sent again with it, it is answered by the batch that it made.
struct Submission {
  BatchId batch;
  Digest digest;
  std::uint32_t sheets = 0, jobs = 0;
};

// What an owner's batches that are settled took of workers: part of a fair share.
struct PastUse {
  std::string owner;
  Duration rendered;
  Instant at;
};

// What a coordinator starts from: read back from the database, or empty.
struct State {
  Counters next;
  std::map<BatchId, Batch> batches;  // the unsettled ones
  std::map<SheetId, Sheet> sheets;   // theirs
  std::map<PoseId, Pose> poses;
  std::map<JobId, Job> jobs;
  std::multimap<JobId, Lease> leases;             // all leases of jobs that are not done
  std::map<WorkerId, Worker> workers;             // all ever seen
  std::map<LoraId, Lora> loras;                   // all ever registered
  std::map<std::string, Submission> submissions;  // by key, of the newest batches
  std::string farm_stopped;                       // why no work is given out; "": it is
  std::vector<PastUse> past_use;                  // of the newest settled batches; for a start only
};

}  // namespace pirouette::core
