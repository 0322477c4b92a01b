#pragma once
// work_clock.h's moments as events of a CUDA stream.

#include "worker/flux/work_clock.h"

namespace pirouette::flux::cuda {

std::unique_ptr<Moment> make_cuda_moment(at::Device device);

}  // namespace pirouette::flux::cuda
