#include "tests/judge/edits.h"

#include <algorithm>
#include <cmath>

#include "common/image/difference_mask.h"
#include "tests/judge/nearness.h"

namespace pirouette::judge {
namespace {

double square_of_difference(const std::uint8_t* a, const std::uint8_t* b) {
  double sum = 0;
  for (int channel = 0; channel < 3; ++channel)
    sum += (a[channel] - b[channel]) * (a[channel] - b[channel]);
  return sum;
}

}  // namespace

EditVerdict judge_edit(const Image& before, const Image& after, const Image& picture) {
  PIROUETTE_CHECK(picture.channels == 3 && picture.pixels.size() == after.pixels.size());
  PIROUETTE_CHECK(before.pixels.size() == after.pixels.size());
  const Image from = softened(before), to = softened(after), drawn = softened(picture);
  const std::vector<std::uint8_t> mask = difference_mask(from, to);
  double to_before = 0, to_after = 0, between = 0, off = 0;
  std::size_t rest = 0;  // pixels
  for (std::size_t i = 0; i < drawn.pixels.size(); i += 3) {
    const std::uint8_t *x = &drawn.pixels[i], *a = &from.pixels[i], *b = &to.pixels[i];
    if (mask[i / 3] == 0) {
      off += square_of_difference(x, b);
      ++rest;
      continue;
    }
    to_before += square_of_difference(x, a);
    to_after += square_of_difference(x, b);
    between += square_of_difference(a, b);
  }
  EditVerdict verdict;
  verdict.is_followed = to_after < to_before;
  if (between > 0) verdict.share_of_way = 1 - std::sqrt(to_after / between);
  verdict.rest_psnr_db = psnr_db(off / static_cast<double>(3 * std::max<std::size_t>(1, rest)));
  verdict.psnr_db = psnr_db(mean_squared_difference(picture, after));
  verdict.ssim = ssim(picture, after);
  return verdict;
}

std::size_t nearest(const std::vector<Image>& truths, const Image& picture) {
  PIROUETTE_CHECK(!truths.empty());
  const Image drawn = softened(picture);
  std::vector<double> far;
  for (const Image& truth : truths) far.push_back(mean_squared_difference(softened(truth), drawn));
  return static_cast<std::size_t>(std::ranges::min_element(far) - far.begin());
}

}  // namespace pirouette::judge
