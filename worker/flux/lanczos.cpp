#include "worker/flux/lanczos.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pirouette::flux {
namespace {

constexpr double kSupport = 3.0;

// 8 bits of a sample and 2 of head room for overshoot leave this many for the coefficients.
constexpr int kPrecisionBits = 32 - 8 - 2;

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) {
  return -kSupport <= x && x < kSupport ? sinc(x) * sinc(x / kSupport) : 0.0;
}

// Output sample i is the sum of count input samples from first on, each times its weight.
struct Tap {
  int first = 0;
  std::vector<int> weights;  // fixed point; they sum to about 1 << kPrecisionBits
};

std::vector<Tap> make_taps(int from, int to) {
  const double scale = static_cast<double>(from) / to;
  const double widening = std::max(scale, 1.0);
  const double support = kSupport * widening;
  std::vector<Tap> taps(static_cast<std::size_t>(to));
  std::vector<double> exact;
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
    const int end = std::min(static_cast<int>(centre + support + 0.5), from);
    exact.clear();
    double sum = 0.0;
    for (int x = first; x < end; ++x) {
      // Multiplied by the inverse, not divided: the reference rounds that way.
      exact.push_back(lanczos((x - centre + 0.5) * (1.0 / widening)));
      sum += exact.back();
    }
    Tap& tap = taps[static_cast<std::size_t>(i)];
    tap.first = first;
    for (const double weight : exact) {
      const double scaled = (sum != 0.0 ? weight / sum : weight) * (1 << kPrecisionBits);
      tap.weights.push_back(static_cast<int>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
    }
  }
  return taps;
}

constexpr int kHalf = 1 << (kPrecisionBits - 1);

std::uint8_t clip(int sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

Image resize_rows(const Image& image, int width) {
  const std::vector<Tap> taps = make_taps(image.width, width);
  const auto channels = static_cast<std::size_t>(image.channels);
  Image out{width, image.height, image.channels, {}};
  out.pixels.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(image.height) *
                     channels);
  const std::size_t stride = static_cast<std::size_t>(image.width) * channels;
  for (std::size_t row = 0; row < image.pixels.size(); row += stride) {
    for (const Tap& tap : taps) {
      for (std::size_t c = 0; c < channels; ++c) {
        const std::uint8_t* in =
            &image.pixels[row + static_cast<std::size_t>(tap.first) * channels];
        int sum = kHalf;
        for (std::size_t k = 0; k < tap.weights.size(); ++k) {
          sum += in[k * channels + c] * tap.weights[k];
        }
        out.pixels.push_back(clip(sum));
      }
    }
  }
  return out;
}

Image resize_columns(const Image& image, int height) {
  const std::vector<Tap> taps = make_taps(image.height, height);
  const std::size_t stride =
      static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.channels);
  Image out{image.width, height, image.channels, {}};
  out.pixels.reserve(stride * taps.size());
  std::vector<int> sums(stride);
  for (const Tap& tap : taps) {
    std::fill(sums.begin(), sums.end(), kHalf);
    for (std::size_t k = 0; k < tap.weights.size(); ++k) {
      const std::uint8_t* row = &image.pixels[(static_cast<std::size_t>(tap.first) + k) * stride];
      for (std::size_t x = 0; x < stride; ++x) sums[x] += row[x] * tap.weights[k];
    }
    for (const int sum : sums) out.pixels.push_back(clip(sum));
  }
  return out;
}

}  // namespace

Image resize_lanczos(const Image& image, int width, int height) {
  PIROUETTE_CHECK(width > 0 && height > 0 && image.width > 0 && image.height > 0);
  Image out = width == image.width ? image : resize_rows(image, width);
  return height == image.height ? out : resize_columns(out, height);
}

}  // namespace pirouette::flux
