#pragma once
// Points and directions of three doubles. In a character's own space x runs to the character's
// left, y up from the ground, z out of the chest; one unit is the height of the body.

#include <cmath>

namespace pirouette::characters {

struct Vec3 {
  double x = 0, y = 0, z = 0;
};

constexpr Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
constexpr Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
constexpr Vec3 operator*(Vec3 a, double s) { return {a.x * s, a.y * s, a.z * s}; }
constexpr double dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
constexpr Vec3 cross(Vec3 a, Vec3 b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline double length(Vec3 a) { return std::sqrt(dot(a, a)); }
inline Vec3 unit(Vec3 a) { return a * (1 / length(a)); }
constexpr Vec3 mix(Vec3 a, Vec3 b, double share) { return a + (b - a) * share; }

inline constexpr double kDegree = 3.14159265358979323846 / 180;

// Three axes at right angles.
struct Frame {
  Vec3 x{1, 0, 0}, y{0, 1, 0}, z{0, 0, 1};
};

// Turned first about z (a lean to the side; positive: the top to the character's right), then
// about x (positive: the top forward), then about y (positive: the front to the left).
inline Frame turned(double about_x_deg, double about_y_deg, double about_z_deg) {
  const auto turn = [&](Vec3 v) {
    const double cz = std::cos(about_z_deg * kDegree), sz = std::sin(about_z_deg * kDegree);
    v = {v.x * cz - v.y * sz, v.x * sz + v.y * cz, v.z};
    const double cx = std::cos(about_x_deg * kDegree), sx = std::sin(about_x_deg * kDegree);
    v = {v.x, v.y * cx - v.z * sx, v.y * sx + v.z * cx};
    const double cy = std::cos(about_y_deg * kDegree), sy = std::sin(about_y_deg * kDegree);
    return Vec3{v.x * cy + v.z * sy, v.y, v.z * cy - v.x * sy};
  };
  return {turn({1, 0, 0}), turn({0, 1, 0}), turn({0, 0, 1})};
}

// A frame whose y axis points along that direction.
inline Frame along(Vec3 direction) {
  const Vec3 y = unit(direction);
  const Vec3 aside = std::abs(y.z) < 0.9 ? Vec3{0, 0, 1} : Vec3{1, 0, 0};
  const Vec3 x = unit(cross(y, aside));
  return {x, y, cross(x, y)};
}

}  // namespace pirouette::characters
