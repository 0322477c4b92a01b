#pragma once
// What jobs took, by what they ask for (their kind: model, size, steps …) and by the class of
// device that rendered them ("NVIDIA H200"). From it follow what an owner is charged with, who is
// fast, what takes far too long or comes far too fast, and when a batch will be ready.
//
// Of each kind on each class the newest kKept count. What was never measured is guessed from what
// was: the same class at another kind by the work in it, else the same kind on another class, else
// anything. Times are milliseconds: nothing here needs to be finer, and their squares fit 64 bits.
//
// Memory only. A start measures again what the open batches' done jobs tell.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/job/recipe.h"
#include "common/time.h"

namespace pirouette::core {

using KindId = std::uint32_t;
using ClassId = std::uint32_t;  // 0: none

class Durations {
 public:
  KindId kind_of(const Recipe& recipe);
  ClassId class_of(const std::string& device_kind, const std::string& device_name);

  void note(KindId kind, ClassId device, Duration took);

  struct Measured {
    std::uint32_t count = 0;  // of those kept
    Duration mean;
    Duration deviation;  // the root of the mean square
    Duration fastest, slowest;
  };
  // Of just this kind on just this class; none before one was measured.
  std::optional<Measured> find(KindId kind, ClassId device) const;
  // The same, or the best guess; its count is 0 then. None before anything was measured.
  std::optional<Measured> guess(KindId kind, ClassId device) const;
  // What one unit of work takes on that class, in nanoseconds; 0 before anything was measured.
  std::int64_t slowness(ClassId device) const {
    const auto known = slowness_.find(device);
    return known == slowness_.end() ? 0 : known->second;
  }

  static constexpr std::size_t kKept = 64;

 private:
  struct Ring {
    std::array<std::uint32_t, kKept> ms{};
    std::size_t next = 0, count = 0;
    Measured measured;  // of what is in it
  };
  static Measured measure(const Ring& ring);
  std::int64_t measure_slowness(ClassId device) const;

  std::map<std::string, KindId> kinds_;
  std::vector<std::int64_t> work_;  // of each kind
  std::map<std::string, ClassId> classes_;
  std::map<std::pair<KindId, ClassId>, Ring> rings_;
  std::map<ClassId, std::int64_t> slowness_;
};

}  // namespace pirouette::core
