// The words for states, as the API, the log and the page show them.

#include "coordinator/core/state.h"

namespace pirouette::core {

std::string_view name(JobState state) {
  switch (state) {
    case JobState::held:
      return "held";
    case JobState::queued:
      return "queued";
    case JobState::leased:
      return "leased";
    case JobState::done:
      return "done";
    case JobState::failed:
      return "failed";
    case JobState::cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string_view name(SheetState state) {
  switch (state) {
    case SheetState::rendering:
      return "rendering";
    case SheetState::ready:
      return "ready";
    case SheetState::incomplete:
      return "incomplete";
    case SheetState::approved:
      return "approved";
    case SheetState::cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string_view name(BatchState state) {
  switch (state) {
    case BatchState::running:
      return "running";
    case BatchState::finished:
      return "finished";
    case BatchState::cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string_view name(Proof proof) {
  switch (proof) {
    case Proof::none:
      return "none";
    case Proof::waiting:
      return "waiting";
    case Proof::passed:
      return "passed";
  }
  return "unknown";
}

std::string_view name(Review review) {
  switch (review) {
    case Review::unreviewed:
      return "unreviewed";
    case Review::approved:
      return "approved";
    case Review::rejected:
      return "rejected";
  }
  return "unknown";
}

std::string_view name(WorkerState state) {
  switch (state) {
    case WorkerState::online:
      return "online";
    case WorkerState::draining:
      return "draining";
    case WorkerState::lost:
      return "lost";
    case WorkerState::gone:
      return "gone";
  }
  return "unknown";
}

std::string_view name(FailureClass failure) {
  switch (failure) {
    case FailureClass::retryable:
      return "retryable";
    case FailureClass::job:
      return "job";
    case FailureClass::worker:
      return "worker";
  }
  return "unknown";
}

}  // namespace pirouette::core
