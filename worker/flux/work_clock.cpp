#include "worker/flux/work_clock.h"

#include <chrono>

#ifdef PIROUETTE_CUDA
#include "worker/flux/cuda/cuda_moment.h"
#endif

namespace pirouette::flux {
namespace {

class HostMoment final : public Moment {
 public:
  void mark() override { at_ = std::chrono::steady_clock::now(); }
  double seconds_since(const Moment& earlier) const override {
    return std::chrono::duration<double>(at_ - dynamic_cast<const HostMoment&>(earlier).at_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point at_;
};

}  // namespace

std::unique_ptr<Moment> make_moment([[maybe_unused]] at::Device device) {
#ifdef PIROUETTE_CUDA
  if (device.is_cuda()) return cuda::make_cuda_moment(device);
#endif
  return std::make_unique<HostMoment>();
}

WorkClock::WorkClock(at::Device device)
    : begin_(make_moment(device)), ends_{make_moment(device), make_moment(device)} {}

void WorkClock::begins() {
  begin_->mark();
  is_open_ = true;
}

void WorkClock::ends() {
  ends_[pictures_++ % 2]->mark();
  is_open_ = false;
}

void WorkClock::starts_anew() {
  if (is_open_) pictures_ = 0;
  is_open_ = false;
}

WorkClock::Spans WorkClock::read() const {
  PIROUETTE_CHECK(pictures_ > 0 && !is_open_);
  const Moment& end = *ends_[(pictures_ - 1) % 2];
  Spans spans{end.seconds_since(*begin_)};
  if (pictures_ > 1) spans.between = begin_->seconds_since(*ends_[pictures_ % 2]);
  return spans;
}

}  // namespace pirouette::flux
