#include "coordinator/core/durations.h"

#include <algorithm>

#include "coordinator/core/roots.h"

namespace pirouette::core {
namespace {

// Tokens of a picture are squares of 16 pixels; the reference's join them at every step.
constexpr std::int64_t kPixelsAToken = 256;
constexpr std::int64_t kReferenceTokens = 4096;

std::int64_t work_of(const Recipe& recipe) {
  const std::int64_t tokens =
      std::int64_t{recipe.width} * recipe.height / kPixelsAToken + kReferenceTokens;
  const std::int64_t passes = recipe.negative_prompt.empty() ? 1 : 2;
  return std::max<std::int64_t>(1, tokens * recipe.steps * passes);
}

}  // namespace

KindId Durations::kind_of(const Recipe& recipe) {
  const std::string key = recipe.model + "|" + std::to_string(recipe.width) + "x" +
                          std::to_string(recipe.height) + "|" + recipe.reference_size + "|" +
                          std::to_string(recipe.steps) +
                          (recipe.negative_prompt.empty() ? "" : "|negative");
  const auto [known, is_new] = kinds_.try_emplace(key, static_cast<KindId>(work_.size()));
  if (is_new) work_.push_back(work_of(recipe));
  return known->second;
}

ClassId Durations::class_of(const std::string& device_kind, const std::string& device_name) {
  const auto next = static_cast<ClassId>(classes_.size() + 1);
  return classes_.try_emplace(device_kind + "|" + device_name, next).first->second;
}

void Durations::note(KindId kind, ClassId device, Duration took) {
  Ring& ring = rings_[{kind, device}];
  ring.ms[ring.next] =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(took.us / 1000, 1, UINT32_MAX));
  ring.next = (ring.next + 1) % kKept;
  ring.count = std::min(ring.count + 1, kKept);
  ring.measured = measure(ring);
  slowness_[device] = measure_slowness(device);
}

Durations::Measured Durations::measure(const Ring& ring) {
  std::int64_t sum = 0, squares = 0;
  std::uint32_t fastest = UINT32_MAX, slowest = 0;
  for (std::size_t i = 0; i < ring.count; ++i) {
    sum += ring.ms[i];
    fastest = std::min(fastest, ring.ms[i]);
    slowest = std::max(slowest, ring.ms[i]);
  }
  const auto count = static_cast<std::int64_t>(ring.count);
  const std::int64_t mean = sum / count;
  for (std::size_t i = 0; i < ring.count; ++i) {
    const std::int64_t off = std::int64_t{ring.ms[i]} - mean;
    squares += off * off / count;
  }
  return {static_cast<std::uint32_t>(count), milliseconds(mean), milliseconds(root(squares)),
          milliseconds(fastest), milliseconds(slowest)};
}

std::optional<Durations::Measured> Durations::find(KindId kind, ClassId device) const {
  const auto ring = rings_.find({kind, device});
  if (ring == rings_.end()) return std::nullopt;
  return ring->second.measured;
}

std::optional<Durations::Measured> Durations::guess(KindId kind, ClassId device) const {
  if (auto measured = find(kind, device)) return measured;
  const Ring* best = nullptr;
  KindId of = 0;
  int likeness = -1;
  for (const auto& [key, ring] : rings_) {
    const int like = key.second == device ? 2 : key.first == kind ? 1 : 0;
    if (like <= likeness) continue;
    likeness = like;
    best = &ring;
    of = key.first;
  }
  if (!best) return std::nullopt;
  const auto scaled = [&](Duration took) {
    return milliseconds(std::max<std::int64_t>(1, took.us / 1000 * work_[kind] / work_[of]));
  };
  const Measured& known = best->measured;
  return Measured{0, scaled(known.mean), scaled(known.deviation), scaled(known.fastest),
                  scaled(known.slowest)};
}

std::int64_t Durations::measure_slowness(ClassId device) const {
  std::int64_t took = 0, work = 0;
  for (const auto& [key, ring] : rings_) {
    if (key.second != device) continue;
    took += ring.measured.mean.us;
    work += work_[key.first];
  }
  // A fast device takes less than a microsecond a unit.
  return work == 0 ? 0 : took * 1000 / work;
}

}  // namespace pirouette::core
