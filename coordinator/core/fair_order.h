#pragma once
// Lines of work in fair order: work that takes any capacity before work that takes only idle one;
// then priority (high first); then the owner who had least of the farm for their weight (see
// fair_share.h); then deadline (none last); then batch. What a line is made of is the caller's: the
// queue's are jobs that wait, the forecast's are numbers of them.
//
// An owner's share changes with every job, and moves all of that owner's lines at once: the lines
// of an owner hang together under each priority, so a move costs O(priorities * log owners), not a
// step a line.

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "common/ids.h"
#include "common/time.h"

namespace pirouette::core {

using OwnerId = Id<struct OwnerTag>;  // of a process's life; see fair_share.h

struct LineRank {  // of a batch's sheets of one priority
  bool idle_only = false;
  int minus_priority = 0;
  OwnerId owner;
  Instant deadline;
  BatchId batch;
};

template <typename Line>
class FairOrder {
 public:
  // The line of that rank, made if there is none.
  Line& make(const LineRank& rank) {
    Level& level = levels_[{rank.idle_only, rank.minus_priority}];
    const auto [lines, is_new] = level.lines.try_emplace(rank.owner);
    if (is_new) level.order.insert({share_of(rank.owner), rank.owner});
    return lines->second[{rank.deadline, rank.batch}];
  }

  Line* find(const LineRank& rank) {
    const auto level = levels_.find({rank.idle_only, rank.minus_priority});
    if (level == levels_.end()) return nullptr;
    const auto lines = level->second.lines.find(rank.owner);
    if (lines == level->second.lines.end()) return nullptr;
    const auto line = lines->second.find({rank.deadline, rank.batch});
    return line == lines->second.end() ? nullptr : &line->second;
  }

  void erase(const LineRank& rank) {
    const auto level = levels_.find({rank.idle_only, rank.minus_priority});
    if (level == levels_.end()) return;
    const auto lines = level->second.lines.find(rank.owner);
    if (lines == level->second.lines.end()) return;
    lines->second.erase({rank.deadline, rank.batch});
    if (!lines->second.empty()) return;
    level->second.order.erase({share_of(rank.owner), rank.owner});
    level->second.lines.erase(lines);
    if (level->second.lines.empty()) levels_.erase(level);
  }

  // From now on the owner stands where that share belongs.
  void set_share(OwnerId owner, std::uint64_t share) {
    std::uint64_t& known = shares_[owner];
    if (known == share) return;
    for (auto& [key, level] : levels_) {
      if (level.order.erase({known, owner}) > 0) level.order.insert({share, owner});
    }
    known = share;
  }

  // Calls visit(rank, line) in order until it returns false.
  template <typename Visit>
  void visit(Visit&& visit) const {
    for (const auto& [key, level] : levels_) {
      for (const auto& [share, owner] : level.order) {
        for (const auto& [place, line] : level.lines.at(owner)) {
          if (!visit(LineRank{key.first, key.second, owner, place.first, place.second}, line)) {
            return;
          }
        }
      }
    }
  }

  // Every line, in any order.
  template <typename Visit>
  void each(Visit&& visit) {
    for (auto& [key, level] : levels_) {
      for (auto& [owner, lines] : level.lines) {
        for (auto& [place, line] : lines) {
          visit(LineRank{key.first, key.second, owner, place.first, place.second}, line);
        }
      }
    }
  }

  bool empty() const { return levels_.empty(); }

 private:
  struct Level {
    std::set<std::pair<std::uint64_t, OwnerId>> order;                     // by share
    std::map<OwnerId, std::map<std::pair<Instant, BatchId>, Line>> lines;  // none is empty
  };

  std::uint64_t share_of(OwnerId owner) const {
    const auto known = shares_.find(owner);
    return known == shares_.end() ? 0 : known->second;
  }

  std::map<std::pair<bool, int>, Level> levels_;
  std::map<OwnerId, std::uint64_t> shares_;
};

}  // namespace pirouette::core
