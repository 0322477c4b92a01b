#include "tests/judge/nearness.h"

#include <algorithm>
#include <cmath>

namespace pirouette::judge {
namespace {

constexpr double kSoftSigmaShare = 1.0 / 192;  // of the width
constexpr int kSsimRadius = 5;
constexpr double kSsimSigma = 1.5;

struct Plane {
  int width = 0, height = 0;
  std::vector<float> values;
};

std::vector<float> gaussian(int radius, double sigma) {
  std::vector<float> kernel;
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) sum += std::exp(-i * i / (2 * sigma * sigma));
  for (int i = -radius; i <= radius; ++i)
    kernel.push_back(static_cast<float>(std::exp(-i * i / (2 * sigma * sigma)) / sum));
  return kernel;
}

// Along rows and transposed; twice, it has gone both ways. The border's values go on beyond it.
Plane filtered_and_turned(const Plane& plane, const std::vector<float>& kernel) {
  const auto radius = static_cast<int>(kernel.size() / 2);
  Plane out{plane.height, plane.width, std::vector<float>(plane.values.size())};
  std::vector<float> row(static_cast<std::size_t>(plane.width + 2 * radius));
  for (int y = 0; y < plane.height; ++y) {
    const float* from = &plane.values[static_cast<std::size_t>(y * plane.width)];
    for (int x = -radius; x < plane.width + radius; ++x)
      row[static_cast<std::size_t>(x + radius)] = from[std::clamp(x, 0, plane.width - 1)];
    for (int x = 0; x < plane.width; ++x) {
      float sum = 0;
      for (std::size_t k = 0; k < kernel.size(); ++k)
        sum += kernel[k] * row[static_cast<std::size_t>(x) + k];
      out.values[static_cast<std::size_t>(x * plane.height + y)] = sum;
    }
  }
  return out;
}

Plane filtered(const Plane& plane, const std::vector<float>& kernel) {
  return filtered_and_turned(filtered_and_turned(plane, kernel), kernel);
}

Plane channel_of(const Image& image, std::size_t channel) {
  Plane plane{image.width, image.height, {}};
  plane.values.reserve(image.pixels.size() / 3);
  for (std::size_t i = channel; i < image.pixels.size(); i += 3)
    plane.values.push_back(image.pixels[i]);
  return plane;
}

Plane luma_of(const Image& image) {
  Plane plane{image.width, image.height, {}};
  plane.values.reserve(image.pixels.size() / 3);
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    plane.values.push_back(0.299F * image.pixels[i] + 0.587F * image.pixels[i + 1] +
                           0.114F * image.pixels[i + 2]);
  }
  return plane;
}

Plane product(const Plane& a, const Plane& b) {
  Plane out{a.width, a.height, {}};
  for (std::size_t i = 0; i < a.values.size(); ++i) out.values.push_back(a.values[i] * b.values[i]);
  return out;
}

void check_same_form(const Image& a, const Image& b) {
  PIROUETTE_CHECK(a.channels == 3 && b.channels == 3);
  PIROUETTE_CHECK(a.width == b.width && a.height == b.height);
  PIROUETTE_CHECK(a.width <= 8192);  // a line's sum of squares fits 32 bits
}

}  // namespace

Image softened(const Image& image) {
  PIROUETTE_CHECK(image.channels == 3);
  const double sigma = kSoftSigmaShare * image.width;
  const auto kernel = gaussian(std::max(1, static_cast<int>(std::ceil(3 * sigma))), sigma);
  Image out = image;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const Plane soft = filtered(channel_of(image, channel), kernel);
    for (std::size_t i = 0; i < soft.values.size(); ++i)
      out.pixels[3 * i + channel] = static_cast<std::uint8_t>(std::lround(soft.values[i]));
  }
  return out;
}

double mean_squared_difference(const Image& a, const Image& b) {
  check_same_form(a, b);
  const auto line = static_cast<std::size_t>(a.width) * 3;
  std::int64_t sum = 0;
  for (std::size_t from = 0; from < a.pixels.size(); from += line) {
    std::int32_t of_line = 0;  // narrow, so that the compiler makes vectors of it
    for (std::size_t i = from; i < from + line; ++i) {
      const std::int32_t difference = a.pixels[i] - b.pixels[i];
      of_line += difference * difference;
    }
    sum += of_line;
  }
  return static_cast<double>(sum) / static_cast<double>(a.pixels.size());
}

double psnr_db(double mean_squared_difference) {
  constexpr double kPeak = 255.0 * 255;
  if (mean_squared_difference <= 0) return kPsnrMaxDb;
  return std::min(kPsnrMaxDb, 10 * std::log10(kPeak / mean_squared_difference));
}

double ssim(const Image& a, const Image& b) {
  check_same_form(a, b);
  PIROUETTE_CHECK(std::min(a.width, a.height) > 2 * kSsimRadius);
  constexpr double kC1 = (0.01 * 255) * (0.01 * 255), kC2 = (0.03 * 255) * (0.03 * 255);
  const auto kernel = gaussian(kSsimRadius, kSsimSigma);
  const Plane x = luma_of(a), y = luma_of(b);
  const Plane mx = filtered(x, kernel), my = filtered(y, kernel);
  const Plane xx = filtered(product(x, x), kernel), yy = filtered(product(y, y), kernel);
  const Plane xy = filtered(product(x, y), kernel);
  double sum = 0;
  int windows = 0;
  for (int row = kSsimRadius; row < a.height - kSsimRadius; ++row) {
    for (int column = kSsimRadius; column < a.width - kSsimRadius; ++column) {
      const auto i = static_cast<std::size_t>(row * a.width + column);
      const double u = mx.values[i], v = my.values[i];
      const double spread = (xx.values[i] - u * u) + (yy.values[i] - v * v);
      const double shared = xy.values[i] - u * v;
      sum += (2 * u * v + kC1) * (2 * shared + kC2) / ((u * u + v * v + kC1) * (spread + kC2));
      ++windows;
    }
  }
  return sum / windows;
}

}  // namespace pirouette::judge
