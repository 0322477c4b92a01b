#pragma once
// Why a job waits, failed or is where it is, why a worker idles, what a sheet still lacks, and what
// would change that: one sentence for people, and the reasons in it as facts for programs. Pure:
// rows in, words out.
//
// The core decides; here is told what its rows show. What it keeps in memory alone (that a worker
// is not asked again for a job it just failed) shows as a free worker, and is said so.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/effect.h"
#include "coordinator/store/read_model.h"

namespace pirouette::http {

struct Fact {
  std::string kind;  // one of schema/openapi.yaml's Fact
  std::string text;
  BatchId batch = {};  // ids that do not apply are none
  SheetId sheet = {};
  JobId job = {};
  WorkerId worker = {};
  std::optional<std::uint64_t> count = {};
  std::optional<Instant> at = {};
};

struct Explanation {
  std::string state;     // the subject's, as the API names it
  std::string sentence;  // with a capital letter and a period
  std::vector<Fact> facts;
};

// What a sentence may need of the rest of the farm.
struct FarmView {
  std::vector<store::WorkerRow> workers;
  std::vector<core::LedgerRow> capacity_words;  // the newest of each online worker
  std::vector<store::BatchRow> running;         // in the order in which workers get them
  std::string stopped;                          // why no work is given out at all; "": it is
  Instant now;
  Duration heartbeat = seconds(2);  // how often each of so many workers says something
};

// Until when a worker.capacity row says that its worker rests; none if it says something else.
std::optional<Instant> rests_until(const core::LedgerRow& word);

// ahead: of a queued job. progress: of a leased one, if its worker said any.
Explanation explain_job(const store::JobStory& story, const core::Batch& batch,
                        const store::Ahead& ahead, const std::optional<core::Progress>& progress,
                        const FarmView& farm);
Explanation explain_sheet(const store::SheetRow& sheet, const core::Batch& batch,
                          const FarmView& farm);
Explanation explain_batch(const store::BatchRow& batch, const FarmView& farm);
// progress: of its oldest lease.
Explanation explain_worker(const store::WorkerRow& worker,
                           const std::optional<core::Progress>& progress, const FarmView& farm);

// What keeps a recipe's jobs from being rendered just now: no worker at all, none that has what it
// needs, or those that could are draining, resting, full or taking nothing. The words go on after
// "waits: "; the facts say the same worker by worker.
Explanation explain_waiting(const Recipe& recipe, const FarmView& farm);

}  // namespace pirouette::http
