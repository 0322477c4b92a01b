// The autoencoder's passes over pixels against the same in plain operations and float32.

#include "tests/gpu/gpu.h"
#include "worker/flux/cuda/fast_autoencoder.h"
#include "worker/flux/cuda/launching.h"

namespace pirouette::flux::gpu {
namespace {

struct Picture {
  int64_t batch, channels, height, width;
};

class Pictures : public testing::TestWithParam<Picture> {};

TEST_P(Pictures, GroupNormAndSiluAreOnePass) {
  const Picture p = GetParam();
  GroupNorm norm;
  norm.weight = random({p.channels}, 0.2) + 1;
  norm.bias = random({p.channels});
  const Tensor x = (random({p.batch, p.channels, p.height, p.width}, 2.0) + 3)
                       .contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor before = random({p.channels});
  for (const bool has_before : {false, true}) {
    for (const bool silu : {false, true}) {
      const Tensor shifted = has_before ? wide(x) + wide(before).view({1, -1, 1, 1}) : wide(x);
      Tensor wanted =
          at::group_norm(shifted, norm.groups, wide(norm.weight), wide(norm.bias), norm.eps);
      if (silu) wanted = at::silu(wanted);
      const Tensor got = cuda::norm_silu(norm, x, has_before ? before : Tensor(), silu);
      EXPECT_LE(distance(got, wanted), kRoundingTolerance);
      EXPECT_TRUE(at::equal(got, cuda::norm_silu(norm, x, has_before ? before : Tensor(), silu)));
    }
  }
}

TEST_P(Pictures, AnotherIsAddedWithABias) {
  const Picture p = GetParam();
  const Tensor x = random({p.batch * p.height * p.width, p.channels}), other = random(x.sizes()),
               bias = random({p.channels}), sum = x.clone();
  cuda::add_with_bias(cuda::address(sum), cuda::address(other), cuda::address(bias), x.size(0),
                      p.channels, cuda::current_stream(device()));
  EXPECT_LE(distance(sum, wide(x) + wide(other) + wide(bias)), kRoundingTolerance);
}

INSTANTIATE_TEST_SUITE_P(Kernels, Pictures,
                         testing::Values(Picture{1, 128, 33, 65}, Picture{2, 32, 8, 12},
                                         Picture{24, 32, 48, 72}, Picture{1, 512, 16, 17},
                                         Picture{1, 256, 1, 1}, Picture{3, 64, 7, 5},
                                         Picture{1, 2048, 9, 31}));

// The same distribution of work for any number of cells: more than one round of queries here.
TEST(Kernels, AttentionOverCellsIsSoftmaxOfScores) {
  const int64_t channels = 64;
  AttentionBlock block;
  block.norm.weight = random({channels}, 0.2) + 1;
  block.norm.bias = random({channels});
  for (Conv2d* conv : {&block.q, &block.k, &block.v, &block.proj_out}) {
    conv->weight = random({channels, channels, 1, 1}, 0.15);
    conv->bias = random({channels}, 0.1);
  }
  const Tensor x = random({1, channels, 61, 71}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto as_float = [](Conv2d conv) {
    return Conv2d{wide(conv.weight), wide(conv.bias), conv.stride, conv.padding};
  };
  GroupNorm norm = block.norm;
  norm.weight = wide(norm.weight);
  norm.bias = wide(norm.bias);
  const AttentionBlock plain{norm, as_float(block.q), as_float(block.k), as_float(block.v),
                             as_float(block.proj_out)};
  EXPECT_LE(distance(cuda::run(block, x), plain(wide(x))), 1e-2);
}

}  // namespace
}  // namespace pirouette::flux::gpu
