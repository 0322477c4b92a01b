// See shade.h.

#include "worker/train/characters/shade.h"

#include <algorithm>
#include <cmath>

#include "worker/train/characters/ink.h"

namespace pirouette::characters {
namespace {

// Towards the light, in the view: left, up, towards the viewer.
const Vec3 kLight = unit({-0.5, 0.62, 0.6});
// Where the tones change, of the lambert term turned into 0 to 1.
constexpr double kShadeFrom = 0.34, kShadeTo = 0.50, kShineFrom = 0.90, kShineTo = 0.97;
constexpr int kDroppedTone = 72;  // a dropped shadow's tone, of kTones
// What drops a shadow lies this much nearer, in units of the body.
constexpr float kDropNearest = 0.006F, kDropFarthest = 0.35F;
// A point inside a solid by more than this, of its own equation, lies on a cut.
constexpr float kOnCut = -2e-3F;

double smooth(double from, double to, double x) {
  const double t = std::clamp((x - from) / (to - from), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

Colour blend(Colour a, Vec3 b, double share) {
  const auto channel = [&](std::uint8_t from, double to) {
    return static_cast<std::uint8_t>(std::lround(from + (to - from) * share));
  };
  return {channel(a.r, b.x), channel(a.g, b.y), channel(a.b, b.z)};
}

// Shadows lean to violet, highlights to warm white: flat multiplication looks like dirt.
Ramp make_ramp(Colour base) {
  const Vec3 shadow{base.r * 0.62, base.g * 0.58, base.b * 0.74};
  Ramp ramp{};
  for (int i = 0; i < kTones; ++i) {
    const double tone = (i + 0.5) / kTones;
    const double lit = 0.82 * smooth(kShadeFrom, kShadeTo, tone) + 0.18 * smooth(0.1, 0.9, tone);
    const Colour two_tones = blend(base, shadow, 1 - lit);
    const Colour shone =
        blend(two_tones, {255, 252, 244}, 0.30 * smooth(kShineFrom, kShineTo, tone));
    ramp[static_cast<std::size_t>(i)] = widen(shone);
  }
  return ramp;
}

}  // namespace

Scene::Shape::Shape(const Posed& posed) {
  const auto f = [](double value) { return static_cast<float>(value); };
  const Solid& solid = *posed.solid;
  x0 = f(posed.x0);
  y0 = f(posed.y0);
  depth0 = f(posed.depth0);
  const auto three = [&](Vec3 v, float* out) {
    out[0] = f(v.x);
    out[1] = f(v.y);
    out[2] = f(v.z);
  };
  three(posed.across, across);
  three(posed.up, up);
  three(posed.away, away);
  square = f(solid.square);
  linear = f(solid.linear);
  constant = f(solid.constant);
  middle = f((solid.low + solid.high) / 2);
  is_box = solid.shape == Solid::Shape::box;
  on_cut = solid.is_cut() ? kOnCut : -1e9F;
}

Scene::Stamp::Stamp(const Decal& from, std::size_t index, Vec3 right, Vec3 nearer) : decal(index) {
  const auto turn = [&](Vec3 v, float* out) {
    out[0] = static_cast<float>(dot(v, right));
    out[1] = static_cast<float>(v.y);
    out[2] = static_cast<float>(dot(v, nearer));
  };
  turn(from.u, u);
  turn(from.v, v);
  turn(cross(from.u, from.v), facing);
  u[3] = static_cast<float>(-dot(from.u, from.origin));
  v[3] = static_cast<float>(-dot(from.v, from.origin));
  if (from.mark == Mark::bands || from.mark == Mark::checks) return;
  most = 1.01F;
  // Of an upright one it is known in which rows it lies.
  if (std::abs(from.u.y) > 1e-9 || std::abs(from.v.y) < 1e-9 ||
      length(from.v) > 1.001 * std::abs(from.v.y))
    return;
  const double half = 1.01 / std::abs(from.v.y);
  lowest = static_cast<float>(from.origin.y - half);
  highest = static_cast<float>(from.origin.y + half);
}

Scene::Scene(const Body& body, double azimuth_deg) : body_(body) {
  const double c = std::cos(azimuth_deg * kDegree), s = std::sin(azimuth_deg * kDegree);
  const Vec3 right{c, 0, -s}, nearer{s, 0, c};
  int most = 0;
  for (const Solid& solid : body.solids) {
    posed_.push_back(pose(solid, azimuth_deg));
    shapes_.emplace_back(posed_.back());
    groups_.push_back(solid.group);
    most = std::max(most, solid.group);
    ramp_of_.push_back(ramp_index(solid.colour, true));
    const Vec3 dark{kInk.r * 0.75, kInk.g * 0.75, kInk.b * 0.75};
    inks_.push_back(widen(blend(solid.colour, dark, 0.74)));
  }
  stamps_of_.resize(static_cast<std::size_t>(most) + 1);
  for (std::size_t i = body.decals.size(); i-- > 0;) {
    const Decal& decal = body.decals[i];
    stamps_of_[static_cast<std::size_t>(decal.group)].emplace_back(decal, i, right, nearer);
  }
  for (const Decal& decal : body.decals) {
    ramp_of_.push_back(ramp_index(decal.colour, decal.is_lit));
  }
}

// A figure has few colours and many solids.
std::size_t Scene::ramp_index(Colour colour, bool is_lit) {
  const auto known = std::find_if(made_.begin(), made_.end(), [&](const Made& made) {
    return made.colour == colour && made.is_lit == is_lit;
  });
  if (known != made_.end()) return static_cast<std::size_t>(known - made_.begin());
  made_.push_back({colour, is_lit});
  ramps_.push_back(make_ramp(colour));
  if (!is_lit) ramps_.back().fill(widen(colour));
  return ramps_.size() - 1;
}

// The gradient of the solid's equation, or the axis of the plane that was met.
template <bool kIsBox>
Scene::Normal Scene::normal(const Shape& s, float x, float y, float depth) {
  const float dx = x - s.x0, dy = y - s.y0, dz = depth - s.depth0;
  float lx = s.across[0] * dx + s.up[0] * dy + s.away[0] * dz;
  float ly = s.across[1] * dx + s.up[1] * dy + s.away[1] * dz;
  float lz = s.across[2] * dx + s.up[2] * dy + s.away[2] * dz;
  if constexpr (kIsBox) {
    const float ax = std::abs(lx), ay = std::abs(ly), az = std::abs(lz);
    const bool is_x = ax >= ay && ax >= az, is_z = !is_x && az >= ay;
    lx = is_x ? lx : 0;
    ly = is_x || is_z ? 0 : ly;
    lz = is_z ? lz : 0;
  } else {
    const float inside = lx * lx + lz * lz + (s.square * ly + s.linear) * ly + s.constant;
    const float on_cut = inside < s.on_cut ? 1.0F : 0.0F, on_side = 1 - on_cut;
    const float end = ly > s.middle ? on_cut : -on_cut;
    lx *= on_side;
    lz *= on_side;
    ly = (s.square * ly + s.linear / 2) * on_side + end;
  }
  const float nx = s.across[0] * lx + s.across[1] * ly + s.across[2] * lz;
  const float ny = s.up[0] * lx + s.up[1] * ly + s.up[2] * lz;
  const float nz = s.away[0] * lx + s.away[1] * ly + s.away[2] * lz;
  const float scale = 1 / std::sqrt(nx * nx + ny * ny + nz * nz + 1e-12F);
  return {nx * scale, ny * scale, nz * scale};
}

template <bool kIsBox>
void Scene::light(const Shape& shape, const Grid& grid, int from, int to, float y,
                  const float* __restrict depth, std::uint8_t* __restrict tones) const {
  const Shape s = shape;
  const auto lx = static_cast<float>(kLight.x), ly = static_cast<float>(kLight.y),
             lz = static_cast<float>(kLight.z);
  const auto start = static_cast<float>(grid.x_of(0)), step = static_cast<float>(1 / grid.per_unit);
  for (int i = from; i < to; ++i) {
    const Normal n = normal<kIsBox>(s, start + step * static_cast<float>(i), y, depth[i]);
    const float lambert = n.x * lx + n.y * ly + n.z * lz;
    const auto tone = static_cast<int>((lambert * 0.5F + 0.5F) * (kTones - 0.01F));
    tones[i] = static_cast<std::uint8_t>(tone);
  }
}

bool Scene::is_in_dropped_shadow(const Samples& samples, std::size_t at,
                                 std::size_t dropper) const {
  const float drop = samples.depth[dropper] - samples.depth[at];
  if (drop <= kDropNearest || drop >= kDropFarthest) return false;
  const auto a = static_cast<std::size_t>(samples.seen[dropper]),
             b = static_cast<std::size_t>(samples.seen[at]);
  return groups_[a] != groups_[b];
}

// The decals of a group that may be seen in a row, the topmost first.
void Scene::find_stamps(int group, float y, std::vector<const Stamp*>& out) const {
  out.clear();
  for (const Stamp& stamp : stamps_of_[static_cast<std::size_t>(group)]) {
    if (y >= stamp.lowest && y <= stamp.highest) out.push_back(&stamp);
  }
}

std::size_t Scene::paint_at(const std::vector<const Stamp*>& stamps, std::size_t solid, float x,
                            float y, float depth) const {
  for (const Stamp* stamp : stamps) {
    const float u = stamp->u[0] * x + stamp->u[1] * y + stamp->u[2] * depth + stamp->u[3];
    const float v = stamp->v[0] * x + stamp->v[1] * y + stamp->v[2] * depth + stamp->v[3];
    if (std::abs(u) > stamp->most || std::abs(v) > stamp->most) continue;
    const Decal& decal = body_.decals[stamp->decal];
    if (!covers(decal.mark, u, v)) continue;
    const Shape& shape = shapes_[solid];
    const Normal n =
        shape.is_box ? normal<true>(shape, x, y, depth) : normal<false>(shape, x, y, depth);
    if (n.x * stamp->facing[0] + n.y * stamp->facing[1] + n.z * stamp->facing[2] > 0) {
      return body_.solids.size() + stamp->decal;
    }
  }
  return solid;
}

void Scene::shade(const Samples& samples, const Grid& grid, int row, const std::uint8_t* inked,
                  int drop, WideColour ground, WideColour* out) const {
  const int columns = samples.columns, aside = drop * 2 / 3;
  const std::size_t start = samples.at(0, row);
  const std::int32_t* seen = &samples.seen[start];
  const float* depth = &samples.depth[start];
  const bool has_above = row - samples.first_row >= drop;
  const std::size_t above = has_above ? samples.at(0, row - drop) : start;
  const auto y = static_cast<float>(grid.y_of(row));
  std::vector<std::uint8_t> tones(static_cast<std::size_t>(columns));
  for (int from = 0, to = 0; from < columns; from = to) {
    while (to < columns && seen[to] == seen[from]) ++to;
    if (seen[from] < 0) continue;
    const auto index = static_cast<std::size_t>(seen[from]);
    const Shape& shape = shapes_[index];
    if (shape.is_box) light<true>(shape, grid, from, to, y, depth, tones.data());
    if (!shape.is_box) light<false>(shape, grid, from, to, y, depth, tones.data());
  }
  int stamped = -1;  // the group that stamps are of
  std::vector<const Stamp*> stamps;
  for (int i = 0; i < columns; ++i) {
    const bool is_ground = seen[i] < 0, is_outer = (inked[i] & kOuterLine) != 0;
    if (is_ground || is_outer) {
      out[i] = is_outer ? widen(kInk) : ground;
      continue;
    }
    const auto index = static_cast<std::size_t>(seen[i]);
    if (inked[i] != kNoInk) {
      out[i] = inks_[index];
      continue;
    }
    int tone = tones[static_cast<std::size_t>(i)];
    const auto at = start + static_cast<std::size_t>(i);
    if (tone > kDroppedTone && i >= aside &&
        is_in_dropped_shadow(samples, at, above + static_cast<std::size_t>(i - aside))) {
      tone = kDroppedTone;
    }
    if (groups_[index] != stamped) find_stamps(stamped = groups_[index], y, stamps);
    const std::size_t paint =
        stamps.empty() ? index
                       : paint_at(stamps, index, static_cast<float>(grid.x_of(i)), y, depth[i]);
    out[i] = ramps_[ramp_of_[paint]][static_cast<std::size_t>(tone)];
  }
}

Part Scene::part_at(const Samples& samples, const Grid& grid, int column, int row) const {
  const std::size_t at = samples.at(column, row);
  if (samples.seen[at] < 0) return Part::none;
  const auto index = static_cast<std::size_t>(samples.seen[at]);
  const auto x = static_cast<float>(grid.x_of(column)), y = static_cast<float>(grid.y_of(row));
  std::vector<const Stamp*> stamps;
  find_stamps(groups_[index], y, stamps);
  const std::size_t paint = paint_at(stamps, index, x, y, samples.depth[at]);
  const std::size_t solids = body_.solids.size();
  const Part painted = paint < solids ? Part::none : body_.decals[paint - solids].part;
  return painted != Part::none ? painted : body_.solids[index].part;
}

}  // namespace pirouette::characters
