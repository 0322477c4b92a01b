#pragma once
// What people ask to have changed about work that is there already. Each names one batch, sheet or
// pose. Where that belongs to a settled batch, the core asks for its rows first (Recall in
// effect.h) and then goes on with the same request.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "common/ids.h"
#include "coordinator/core/state.h"

namespace pirouette::core {

// One more take of a pose. The sheet is put together again when it is there.
struct RerollPose {
  PoseId pose;
  std::optional<std::uint64_t> seed;      // none: the next of the sheet's
  std::optional<std::string> correction;  // none: as the take before
};

// About the take that the pose shows. unreviewed: takes the review back.
struct ReviewPose {
  PoseId pose;
  Review review = Review::unreviewed;
  std::string note;
};

// Shows an earlier (or later) take of a pose; it must be done.
struct ChooseTake {
  PoseId pose;
  std::uint32_t take = 0;
};

// All its poses at once.
struct ReviewSheet {
  SheetId sheet;
  Review review = Review::unreviewed;
  std::string note;
};

// Renders no more of it. One that had a picture before keeps it.
struct CancelSheet {
  SheetId sheet;
};

struct CancelBatch {
  BatchId batch;
};

// Gives out none of its jobs until it is resumed; what is rendered just now is finished.
struct PauseBatch {
  BatchId batch;
  bool paused = true;
};

// Its sheets with a priority of their own keep that.
struct SetPriority {
  BatchId batch;
  int priority = 50;  // 0 (last) to 100 (first)
};

struct ChangeRequested {
  RequestId request;
  std::string by;  // who says they ask; "" where nobody says
  std::variant<RerollPose, ReviewPose, ChooseTake, ReviewSheet, CancelSheet, CancelBatch,
               PauseBatch, SetPriority>
      change;
};

}  // namespace pirouette::core
