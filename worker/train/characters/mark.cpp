// The shapes of marks, each about one unit in size around the origin.

#include <algorithm>
#include <cmath>

#include "worker/train/characters/body.h"

namespace pirouette::characters {
namespace {

// Half the thickness of a smile's line, of its radius.
constexpr double kStroke = 0.17;

bool in_arc(double u, double v) {
  const double radius = std::hypot(u, v);
  return v <= 0 && std::abs(radius - (1 - kStroke)) <= kStroke;
}

// Five points: the distance to the nearest of five edges, by folding into one tenth.
bool in_star(double u, double v) {
  constexpr double kTenth = 36 * kDegree;
  double angle = std::fmod(std::atan2(u, v) + 20 * kTenth, 2 * kTenth);
  angle = std::min(angle, 2 * kTenth - angle);
  const double x = std::hypot(u, v) * std::cos(angle), y = std::hypot(u, v) * std::sin(angle);
  constexpr double kInner = 0.45;  // where the edges meet, of the points' radius
  const double inner_x = kInner * std::cos(kTenth), inner_y = kInner * std::sin(kTenth);
  return (x - 1) * inner_y + y * (1 - inner_x) <= 0;
}

bool in_heart(double u, double v) {
  const double x = std::abs(u) * 1.15, y = v * 1.1 + 0.15;
  return std::pow(x * x + y * y - 0.62, 3) - 1.4 * x * x * y * y * y <= 0;
}

// Above a line and below another, the lower half slipped aside.
bool in_bolt(double u, double v) {
  if (std::abs(v) > 1) return false;
  const double middle = 0.5 * v, slip = v > 0 ? -0.2 : 0.2;
  const double half = v > 0 ? 0.3 : 0.3 * (1 + v) + 0.04;
  return std::abs(u - middle - slip) <= half || (std::abs(v) < 0.16 && std::abs(u) <= 0.5);
}

}  // namespace

bool covers(Mark mark, double u, double v) {
  const auto odd = [](double x) { return (static_cast<long>(std::floor(x)) & 1) != 0; };
  switch (mark) {
    case Mark::disc:
      return u * u + v * v <= 1;
    case Mark::square:
      return std::abs(u) <= 1 && std::abs(v) <= 1;
    case Mark::smile:
      return in_arc(u, v);
    case Mark::frown:
      return in_arc(u, -v);
    case Mark::star:
      return u * u + v * v <= 1 && in_star(u, v);
    case Mark::cross:
      return std::max(std::abs(u), std::abs(v)) <= 1 && std::min(std::abs(u), std::abs(v)) <= 0.3;
    case Mark::heart:
      return in_heart(u, v);
    case Mark::diamond:
      return std::abs(u) * 1.3 + std::abs(v) <= 1;
    case Mark::bolt:
      return in_bolt(u, v);
    case Mark::moon:
      return u * u + v * v <= 1 && std::hypot(u - 0.45, v - 0.2) >= 0.8;
    case Mark::chevron:
      return std::abs(v + 0.55 - std::abs(u)) <= 0.35 && std::abs(u) <= 0.95;
    case Mark::bands:
      return odd(v);
    case Mark::checks:
      return odd(u) != odd(v);
  }
  return false;
}

}  // namespace pirouette::characters
