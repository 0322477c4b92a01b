#pragma once
// The jobs that wait, in fair order: priority (high first), deadline (none last), batch, sheet,
// pose. The sheets of a batch share deadline and recipe, and but for a few their priority, so the
// order is a line a batch and priority, a group a sheet, and the jobs of that sheet: whether a
// worker can render a batch is asked once a line, not once a job, and a batch whose model nobody
// has hides nothing behind it.
//
// Adding and removing cost O(log n). Holds ids only; the rows are the State's.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "coordinator/core/state.h"

namespace pirouette::core {

class Queue {
 public:
  struct Waiting {
    PoseId pose;
    JobId job;
    std::uint32_t overtaken = 0;  // times a worker took a later job instead
    auto operator<=>(const Waiting&) const = default;
  };
  struct Group {  // of one sheet
    Digest reference;
    std::vector<Waiting> jobs;  // by pose, then job; at most a pose set and its rerolls
  };
  struct Rank {  // of a batch's sheets of one priority
    int minus_priority = 0;
    Instant deadline;
    BatchId batch;
    auto operator<=>(const Rank&) const = default;
  };
  struct Line {
    std::shared_ptr<const Recipe> recipe;
    bool paused = false;              // its batch is; nobody gets a job of it
    std::map<SheetId, Group> groups;  // none is empty
  };
  using Lines = std::map<Rank, Line>;  // no line is empty

  void add(const Batch& batch, const Sheet& sheet, const Job& job);
  void remove(const Batch& batch, const Sheet& sheet, const Job& job);  // the job must be there
  void count_overtaking(const Batch& batch, const Sheet& sheet, const Job& job);

  // The batch was paused or resumed.
  void set_paused(const Batch& batch);
  // The batch's priority was another before; its sheet goes to where it belongs now.
  void move(const Batch& batch, const Sheet& sheet, int priority_before);

  const Lines& lines() const { return lines_; }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // Grows whenever a job or a chance for one came up: a worker that found nothing at this number
  // need not look again.
  std::uint64_t revision() const { return revision_; }
  void stir() { ++revision_; }

 private:
  Line& get_line(const Batch& batch, const Sheet& sheet);

  Lines lines_;
  std::size_t size_ = 0;
  std::uint64_t revision_ = 1;
};

}  // namespace pirouette::core
