#pragma once
// Which workers a job should rather not go to again. After a failure another worker is preferred
// and the same one is the last resort; after a refusal the same worker is not asked again before
// some time has passed, so that the two of them do not talk at full speed all night.
//
// Memory only: after a restart every worker is as good as any.

#include <algorithm>
#include <map>
#include <vector>

#include "common/ids.h"
#include "common/time.h"

namespace pirouette::core {

class Avoidance {
 public:
  // Worker did not get the job done; until then it is not asked at all.
  void note(JobId job, WorkerId worker, Instant until) {
    auto& marks = marks_[job];
    std::erase_if(marks, [&](const Mark& mark) { return mark.worker == worker; });
    marks.push_back({worker, until});
  }
  void forget(JobId job) { marks_.erase(job); }

  bool any(JobId job) const { return !marks_.empty() && marks_.contains(job); }
  bool avoids(JobId job, WorkerId worker) const { return find(job, worker) != nullptr; }
  bool forbids(JobId job, WorkerId worker, Instant now) const {
    const Mark* mark = find(job, worker);
    return mark && now < mark->until;
  }

 private:
  struct Mark {
    WorkerId worker;
    Instant until;
  };
  const Mark* find(JobId job, WorkerId worker) const {
    const auto found = marks_.find(job);
    if (found == marks_.end()) return nullptr;
    for (const Mark& mark : found->second) {
      if (mark.worker == worker) return &mark;
    }
    return nullptr;
  }

  std::map<JobId, std::vector<Mark>> marks_;  // at most one a worker
};

}  // namespace pirouette::core
