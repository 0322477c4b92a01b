#include "coordinator/core/fair_share.h"

#include <algorithm>

namespace pirouette::core {
namespace {

// Factors are multiples of 1/1024; past 2^4 everything is divided. Ten thousand workers busy for 64
// half-lives of a day are 2^46 ms, times 2^14 still a 64-bit number.
constexpr std::int64_t kOne = 1024;
constexpr std::int64_t kHalvesMax = 4;
constexpr std::int64_t kForgottenHalves = 10;  // a thousandth is left

}  // namespace

OwnerId FairShare::owner(const std::string& name) {
  const auto [known, is_new] = ids_.try_emplace(name, OwnerId{ids_.size() + 1});
  if (is_new) {
    const auto weight = weights_.find(name);
    Row& row = rows_[known->second];
    if (weight != weights_.end()) row.weight = std::clamp(weight->second, 1u, kShareWeightMax);
  }
  return known->second;
}

std::int64_t FairShare::factor(Instant at) const {
  const std::int64_t since = at.us - base_.us;
  std::int64_t halves = since / half_life_.us, rest = since % half_life_.us;
  if (rest < 0) {
    --halves;
    rest += half_life_.us;
  }
  if (halves < -kForgottenHalves) return 0;
  // The half-life in thousandths: a fraction of it times 1024 must fit 64 bits.
  const std::int64_t part =
      kOne + kOne * (rest / 1000) / std::max<std::int64_t>(1, half_life_.us / 1000);
  return halves >= 0 ? part << std::min<std::int64_t>(halves, 2 * kHalvesMax) : part >> -halves;
}

void FairShare::add(OwnerId owner, Duration used, Instant at) {
  Row& row = rows_.at(owner);
  row.used_ms = std::max<std::int64_t>(0, row.used_ms + used.us / 1000 * factor(at));
}

std::uint64_t FairShare::share(OwnerId owner, Instant now) const {
  const Row& row = rows_.at(owner);
  const std::int64_t all = row.used_ms + std::max<std::int64_t>(0, row.open) / 1000 * factor(now);
  return static_cast<std::uint64_t>(all) / row.weight;
}

bool FairShare::rebase(Instant now) {
  const std::int64_t halves = (now - base_).us / half_life_.us;
  if (halves < kHalvesMax) return false;
  for (auto& [id, row] : rows_) row.used_ms = halves < 63 ? row.used_ms >> halves : 0;
  base_ = base_ + half_life_ * halves;
  return true;
}

std::vector<OwnerId> FairShare::owners() const {
  std::vector<OwnerId> ids;
  for (const auto& [id, row] : rows_) ids.push_back(id);
  return ids;
}

}  // namespace pirouette::core
