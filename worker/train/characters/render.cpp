// See render.h. A picture is drawn in bands of a few rows, so that its samples stay in the cache;
// a band looks a little further up and down than it writes, for lines and dropped shadows.

#include "worker/train/characters/render.h"

#include <algorithm>
#include <cmath>

#include "common/result.h"
#include "worker/train/characters/ink.h"
#include "worker/train/characters/shade.h"

namespace pirouette::characters {
namespace {

constexpr int kBandRows = 24;  // pixels
// Of the picture's height: about 1.5 pixels around the figure at 288 rows.
constexpr double kOuterLineShare = 0.0027, kInnerLineShare = 0.0017;
constexpr double kDropShare = 0.012;  // how far shadows are dropped

// At this scale the body fits the picture from every side.
Grid fit(const Body& body, const Camera& camera, int oversampling) {
  const double tall = camera.height * (camera.foot_share - camera.top_share);
  const double wide = camera.width * (0.5 - camera.side_share);
  const double per_unit =
      std::min(tall / std::max(body.top, 1e-3), wide / std::max(body.reach, 1e-3));
  return {per_unit * camera.zoom * oversampling,
          camera.width * (0.5 + camera.shift_share) * oversampling,
          camera.height * camera.foot_share * oversampling};
}

struct Columns {
  int from, to;  // pixels that may be anything but ground
};

Columns touched(const Scene& scene, const Grid& grid, const Camera& camera, int margin) {
  double left = 1e9, right = -1e9;
  for (const Posed& posed : scene.posed()) {
    left = std::min(left, posed.left);
    right = std::max(right, posed.right);
  }
  const auto pixel = [&](double x) {
    return (x * grid.per_unit + grid.centre) / camera.oversampling;
  };
  return {std::max(0, static_cast<int>(std::floor(pixel(left))) - margin),
          std::min(camera.width, static_cast<int>(std::ceil(pixel(right))) + margin)};
}

// Averages one row of pixels; sums: of its samples' colours.
void write_pixels(const WideColour* sums, int count, int samples, std::uint8_t* out) {
  const auto n = static_cast<std::uint64_t>(samples);
  constexpr std::uint64_t kMask = (1u << 21) - 1;
  for (int i = 0; i < count; ++i) {
    const WideColour sum = sums[i];
    out[3 * i] = static_cast<std::uint8_t>(((sum >> 42) + n / 2) / n);
    out[3 * i + 1] = static_cast<std::uint8_t>((((sum >> 21) & kMask) + n / 2) / n);
    out[3 * i + 2] = static_cast<std::uint8_t>(((sum & kMask) + n / 2) / n);
  }
}

// Kept by each thread from picture to picture: asking the system for memory anew costs a fifth of a
// small picture's time. Nothing in it outlives a band.
struct Workspace {
  Samples samples;
  InkedRows inked;
  std::vector<WideColour> colours, sums;
};

class Drawing {
 public:
  Drawing(const Body& body, const Camera& camera)
      : camera_(camera),
        scene_(body, camera.azimuth_deg),
        k_(camera.oversampling),
        w_(workspace()) {
    grid_ = fit(body, camera, k_);
    const double samples = camera.height * k_;
    lines_.outer_radius = std::max(1, static_cast<int>(std::lround(kOuterLineShare * samples)));
    lines_.inner_radius = std::max(1, static_cast<int>(std::lround(kInnerLineShare * samples)));
    drop_ = std::max(1, static_cast<int>(std::lround(kDropShare * samples)));
    columns_ = touched(scene_, grid_, camera, lines_.outer_radius / k_ + 2);
    grid_.centre -= columns_.from * k_;
    image_ = {camera.width, camera.height, 3, {}};
    image_.pixels.resize(static_cast<std::size_t>(camera.width) *
                         static_cast<std::size_t>(camera.height) * 3);
  }

  Image draw() {
    for (std::size_t i = 0; i < image_.pixels.size(); i += 3) {
      image_.pixels[i] = camera_.ground.r;
      image_.pixels[i + 1] = camera_.ground.g;
      image_.pixels[i + 2] = camera_.ground.b;
    }
    for (int row = 0; row < camera_.height; row += kBandRows) {
      draw_band(row, std::min(kBandRows, camera_.height - row));
    }
    return std::move(image_);
  }

 private:
  static Workspace& workspace() {
    static thread_local Workspace of_this_thread;
    return of_this_thread;
  }

  void draw_band(int first, int count) {
    const int halo_up = std::max(drop_, lines_.outer_radius + 1),
              halo_down = lines_.outer_radius + 1;
    const int width = (columns_.to - columns_.from) * k_;
    w_.samples.clear(first * k_ - halo_up, count * k_ + halo_up + halo_down, width);
    const auto& posed = scene_.posed();
    for (std::size_t i = 0; i < posed.size(); ++i) {
      characters::draw(posed[i], static_cast<std::int32_t>(i), grid_, w_.samples);
    }
    ink(w_.samples, scene_.groups(), lines_, w_.inked);
    w_.colours.resize(static_cast<std::size_t>(width));
    w_.sums.resize(static_cast<std::size_t>(columns_.to - columns_.from));
    for (int row = first; row < first + count; ++row) write_row(row);
  }

  void write_row(int row) {
    std::fill(w_.sums.begin(), w_.sums.end(), 0);
    for (int sub = row * k_; sub < (row + 1) * k_; ++sub) {
      scene_.shade(w_.samples, grid_, sub, &w_.inked.lines[w_.samples.at(0, sub)], drop_,
                   widen(camera_.ground), w_.colours.data());
      const WideColour* from = w_.colours.data();
      for (WideColour& sum : w_.sums) {
        for (int i = 0; i < k_; ++i) sum += *from++;
      }
    }
    const std::size_t at = (static_cast<std::size_t>(row) * static_cast<std::size_t>(image_.width) +
                            static_cast<std::size_t>(columns_.from)) *
                           3;
    write_pixels(w_.sums.data(), static_cast<int>(w_.sums.size()), k_ * k_, &image_.pixels[at]);
  }

  const Camera camera_;
  const Scene scene_;
  const int k_;
  Grid grid_;
  Lines lines_;
  Columns columns_{};
  int drop_ = 1;
  Image image_;
  Workspace& w_;
};

}  // namespace

void measure(Body& body) {
  constexpr int kTurns = 16;
  body.top = body.reach = 0;
  for (const Solid& solid : body.solids) {
    for (int turn = 0; turn < kTurns; ++turn) {
      const Posed posed = pose(solid, 360.0 * turn / kTurns);
      body.top = std::max(body.top, posed.top);
      body.reach = std::max({body.reach, posed.right, -posed.left});
    }
  }
}

Image render(const Body& body, const Camera& camera) {
  PIROUETTE_CHECK(camera.width > 0 && camera.height > 0 && camera.oversampling > 0);
  PIROUETTE_CHECK(camera.oversampling <= 16);  // more would overflow a sum of colours
  return Drawing(body, camera).draw();
}

std::vector<Part> part_map(const Body& body, const Camera& camera) {
  const Scene scene(body, camera.azimuth_deg);
  const Grid grid = fit(body, camera, 1);
  Samples samples;
  samples.clear(0, camera.height, camera.width);
  for (std::size_t i = 0; i < scene.posed().size(); ++i) {
    characters::draw(scene.posed()[i], static_cast<std::int32_t>(i), grid, samples);
  }
  std::vector<Part> parts;
  parts.reserve(samples.seen.size());
  for (int row = 0; row < camera.height; ++row) {
    for (int column = 0; column < camera.width; ++column) {
      parts.push_back(scene.part_at(samples, grid, column, row));
    }
  }
  return parts;
}

}  // namespace pirouette::characters
