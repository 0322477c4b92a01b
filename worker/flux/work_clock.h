#pragma once
// How long a device works for each picture and how long it takes from one to the next, by its own
// clock: it works behind the host, whose clock would not tell. What it does in between (encoding a
// reference, say) counts as waiting. For the CPU it is the host's clock.

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "common/result.h"
#include "worker/flux/ops.h"

namespace pirouette::flux {

// A place among the work that is handed out to a device.
class Moment {
 public:
  virtual ~Moment() = default;
  virtual void mark() = 0;
  // Once the device has passed both, which are of one kind.
  virtual double seconds_since(const Moment& earlier) const = 0;
};
std::unique_ptr<Moment> make_moment(at::Device device);

// Owned by the thread that renders.
class WorkClock {
 public:
  explicit WorkClock(at::Device device);

  void begins();
  void ends();
  // A picture that was stopped halfway has no end: the next has nothing to count from.
  void starts_anew();

  struct Spans {
    double worked = 0;                // seconds
    std::optional<double> between{};  // from the last end to this beginning; none for the first
  };
  // Of the last picture, once the device is done with it.
  Spans read() const;

 private:
  std::unique_ptr<Moment> begin_;
  std::array<std::unique_ptr<Moment>, 2> ends_;  // in turn
  std::size_t pictures_ = 0;                     // ended in a row
  bool is_open_ = false;
};

}  // namespace pirouette::flux
