#pragma once
// The jobs that wait, in fair order (fair_order.h), and in a line by sheet and pose. The sheets of
// a batch share owner, deadline and recipe, and but for a few their priority, so the order is a
// line a batch and priority, a group a sheet, and the jobs of that sheet: whether a worker can
// render a batch is asked once a line, not once a job, and a batch whose model nobody has hides
// nothing behind it.
//
// Adding and removing cost O(log n). Holds ids only; the rows are the State's.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "coordinator/core/fair_order.h"
#include "coordinator/core/state.h"

namespace pirouette::core {

// Where jobs of a sheet stand.
struct QueuePlace {
  OwnerId owner;
  bool idle_only = false;
};

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
    std::uint32_t device_class = 0;  // on which this character was begun; 0: on none yet
    std::vector<Waiting> jobs;       // by pose, then job; at most a pose set and its rerolls
  };
  struct Line {
    std::shared_ptr<const Recipe> recipe;
    bool paused = false;              // its batch is; nobody gets a job of it
    std::map<SheetId, Group> groups;  // none is empty
    std::size_t jobs = 0;             // in all of them
  };
  using Place = QueuePlace;

  void add(const Batch& batch, const Sheet& sheet, const Job& job, Place place = {});
  // The job must be there, at that place.
  void remove(const Batch& batch, const Sheet& sheet, const Job& job, Place place = {});
  void count_overtaking(const Batch& batch, const Sheet& sheet, const Job& job, Place place = {});
  // This character was begun on such a device.
  void note_class(const Batch& batch, const Sheet& sheet, std::uint32_t device_class,
                  Place place = {});

  // The batch was paused or resumed.
  void set_paused(const Batch& batch);
  // The batch's priority was another before; its sheet goes to where it belongs now.
  void move(const Batch& batch, const Sheet& sheet, int priority_before, Place place = {});
  void set_share(OwnerId owner, std::uint64_t share) { lines_.set_share(owner, share); }

  // Calls visit(rank, line) in fair order until it returns false; no line is empty.
  template <typename Visit>
  void visit(Visit&& visit) const {
    lines_.visit(visit);
  }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // Grows whenever a job or a chance for one came up: a worker that found nothing at this number
  // need not look again.
  std::uint64_t revision() const { return revision_; }
  void stir() { ++revision_; }

 private:
  Line& make_line(const Batch& batch, const LineRank& rank);
  Group& get_group(const Batch& batch, const Sheet& sheet, Place place);

  FairOrder<Line> lines_;
  std::size_t size_ = 0;
  std::uint64_t revision_ = 1;
};

}  // namespace pirouette::core
