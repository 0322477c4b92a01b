#pragma once
// Which of the waiting jobs a free worker gets. It looks at the first look_ahead jobs, in fair
// order, of the batches it can render, and prefers what it need not load: a job with the model and
// LoRAs it rendered last (a change of model costs most of a minute), then one whose reference
// picture it has rendered (encoding one costs a fraction of a second: never worth overtaking a
// higher priority), then a character that was not begun on another class of device: pictures of one
// seed differ a little between kinds of GPU. The job it overtakes counts that, and after
// overtakings_max goes first.
//
// Work that takes only idle capacity is for a worker that has nothing in hand and finds nothing
// else, and is given out one job at a time: whatever else comes waits for one job at most.
//
// Pure: reads the queue, changes nothing.

#include <functional>
#include <optional>
#include <vector>

#include "coordinator/core/core.h"
#include "coordinator/core/queue.h"

namespace pirouette::core {

// What a worker is expected to have in memory still.
struct Residency {
  std::shared_ptr<const Recipe> recipe;  // of the job it got last; null: none yet
  std::vector<Digest> references;        // the oldest first, at most kReferencesMax

  // The engine's cache of encoded references holds about as many.
  static constexpr std::size_t kReferencesMax = 8;
  void note(std::shared_ptr<const Recipe> recipe, const Digest& reference);
  bool has_reference(const Digest& reference) const;
  bool has_weights(const Recipe& of) const;  // the model with just these LoRAs
};

struct Choice {
  JobId job;
  JobId overtaken;  // the first of the fair order, if it is another one
};

// It has the recipe's model, each of its LoRAs or room to fetch it, and every tag that is required.
bool can_render(const Worker& worker, const Recipe& recipe);

// Who asks for work.
struct Applicant {
  const Worker& worker;
  const Residency& residency;
  std::uint32_t device_class = 0;
  bool empty_handed = true;
};

// may_take: whether this worker may have this job (it may have failed it before).
std::optional<Choice> choose(const Queue& queue, const Applicant& applicant, const Policy& policy,
                             const std::function<bool(JobId)>& may_take);

}  // namespace pirouette::core
