#include "tests/judge/panel.h"

#include <algorithm>

#include "tests/judge/nearness.h"

namespace pirouette::judge {
namespace {

// The mean squared difference in the smallest box that holds all of the truth that is not white.
double difference_around_figure(const Image& truth, const Image& picture) {
  int left = truth.width, right = 0, top = truth.height, bottom = 0;
  const auto pixel = [&](int x, int y) {
    return static_cast<std::size_t>(y * truth.width + x) * 3;
  };
  for (int y = 0; y < truth.height; ++y) {
    for (int x = 0; x < truth.width; ++x) {
      const std::uint8_t* p = &truth.pixels[pixel(x, y)];
      if (p[0] == 255 && p[1] == 255 && p[2] == 255) continue;
      left = std::min(left, x);
      right = std::max(right, x + 1);
      top = std::min(top, y);
      bottom = std::max(bottom, y + 1);
    }
  }
  if (left >= right) return mean_squared_difference(truth, picture);
  double sum = 0;
  for (int y = top; y < bottom; ++y) {
    for (std::size_t i = pixel(left, y); i < pixel(right - 1, y) + 3; ++i) {
      const double difference = truth.pixels[i] - picture.pixels[i];
      sum += difference * difference;
    }
  }
  return sum / (3.0 * (right - left) * (bottom - top));
}

std::vector<characters::Character> drawn(std::uint64_t first) {
  std::vector<characters::Character> some;
  for (std::uint64_t i = 0; i < Panel::kCharacters; ++i)
    some.push_back(characters::character_of(first + i));
  return some;
}

}  // namespace

characters::Camera camera_of(std::size_t view, Size size) {
  characters::Camera camera;
  camera.azimuth_deg = standard_views().at(view).azimuth_deg;
  camera.width = size.width;
  camera.height = size.height;
  return camera;
}

Panel::Panel(std::vector<characters::Character> characters, Size size)
    : size_(size), characters_(std::move(characters)) {
  PIROUETTE_CHECK(!characters_.empty());
  for (const characters::Character& character : characters_) {
    const characters::Body body = build(character);
    for (std::size_t view = 0; view < standard_views().size(); ++view) {
      const characters::Camera camera = camera_of(view, size);
      Truth truth{render(body, camera), {}, side_questions(character, camera)};
      truth.soft = softened(truth.sharp);
      truths_.push_back(std::move(truth));
    }
  }
}

Panel Panel::of_seeds(std::uint64_t first, Size size) { return {drawn(first), size}; }

Result<Verdict> Panel::judge(const Image& picture, std::size_t character, std::size_t view) const {
  if (picture.width != size_.width || picture.height != size_.height || picture.channels != 3) {
    return Error{Errc::invalid, "a picture of " + std::to_string(picture.width) + "x" +
                                    std::to_string(picture.height) + " in " +
                                    std::to_string(picture.channels) + " channels; the truth is " +
                                    std::to_string(size_.width) + "x" +
                                    std::to_string(size_.height) + " in 3"};
  }
  const Image soft = softened(picture);
  const auto distance = [&](std::size_t c, std::size_t v) {
    return mean_squared_difference(soft, truths_[at(c, v)].soft);
  };
  Verdict verdict;
  verdict.character = character;
  verdict.view = view;
  double nearest = distance(character, 0);
  for (std::size_t v = 1; v < standard_views().size(); ++v) {
    const double here = distance(character, v);
    if (here >= nearest) continue;
    nearest = here;
    verdict.nearest_view = v;
  }
  nearest = distance(0, view);
  for (std::size_t c = 1; c < count(); ++c) {
    const double here = distance(c, view);
    if (here >= nearest) continue;
    nearest = here;
    verdict.nearest_character = c;
  }
  const Truth& truth = truths_[at(character, view)];
  verdict.ssim = ssim(truth.sharp, picture);
  verdict.psnr_db = psnr_db(mean_squared_difference(truth.sharp, picture));
  verdict.figure_psnr_db = psnr_db(difference_around_figure(truth.sharp, picture));
  for (const SideQuestion& question : truth.sides) verdict.sides.push_back(question.answer(soft));
  return verdict;
}

}  // namespace pirouette::judge
