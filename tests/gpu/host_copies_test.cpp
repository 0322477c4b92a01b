// Weights on their way to the device, and what is kept for it in the host's memory.

#include "worker/flux/cuda/host_copies.h"

#include "tests/gpu/gpu.h"

namespace pirouette::flux::gpu {
namespace {

// Sizes below, at and above what is sent at once (64 MiB), and what has to be cast or laid out.
Tensors some_of_each() {
  const int64_t stage = (int64_t{64} << 20) / 2;
  Tensors tensors;
  tensors["one"] = at::randn({1});
  tensors["odd"] = at::randn({1237, 31}).to(at::kBFloat16);
  tensors["whole"] = at::randn({stage}).to(at::kBFloat16);
  tensors["more"] = at::randn({2 * stage + 7}).to(at::kBFloat16);
  tensors["turned"] = at::randn({64, 48}).to(at::kBFloat16).t();
  tensors["half"] = at::randn({100}).to(at::kHalf);
  tensors["words"] = at::arange(1000, at::kLong);
  tensors["none"] = at::empty({0}, at::kBFloat16);
  return tensors;
}

void expect_equal(const Tensors& got, const Tensors& given) {
  ASSERT_EQ(got.size(), given.size());
  for (const auto& [name, tensor] : given) {
    const auto type = tensor.is_floating_point() ? at::kBFloat16 : tensor.scalar_type();
    EXPECT_EQ(got.at(name).scalar_type(), type) << name;
    EXPECT_TRUE(at::equal(got.at(name).cpu(), tensor.to(type))) << name;
  }
}

TEST(HostCopies, EveryTensorArrivesOnTheDevice) {
  (void)device();
  const Tensors given = some_of_each();
  const Tensors got = cuda::move_to_device(given, at::kBFloat16, device());
  for (const auto& [name, tensor] : got) EXPECT_TRUE(tensor.is_cuda()) << name;
  expect_equal(got, given);
  EXPECT_TRUE(cuda::move_to_device(got, at::kBFloat16, device()).at("odd").is_same(got.at("odd")));
}

TEST(HostCopies, PinnedCopiesOutliveWhatTheyWereMadeOf) {
  (void)device();
  Tensors given = some_of_each();
  Tensors got = cuda::copy_to_pinned(given, at::kBFloat16);
  expect_equal(got, given);
  const Tensor kept = got.at("more");
  got.clear();
  EXPECT_TRUE(at::equal(kept.to(device()).cpu(), given.at("more")));
}

}  // namespace
}  // namespace pirouette::flux::gpu
