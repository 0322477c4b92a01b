#pragma once
// How a worker that is not trusted proves itself: it renders a job whose picture is known, from
// another worker of the same class of device and the same engine, and must make the same picture
// bit for bit. Where no such picture is known, a job that waits is its trial instead.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/job/recipe.h"
#include "coordinator/core/durations.h"

namespace pirouette::core {

// Of one worker in quarantine; see failures.cpp.
struct Trust {
  std::set<JobId> failed;  // different jobs, since its last picture
  std::uint32_t probes = 0;
  Instant probe_at;
  LeaseId probe;  // of a known job; none: no probe is under way
  JobId probe_job;
  Digest wanted;
  Instant probe_began;
  bool on_trial = false;  // it may take one job that waits
};

struct KnownPicture {
  JobId job;
  RenderSpec spec;
  std::vector<std::string> required_tags;
  Digest picture;
  WorkerId maker;
  Instant made_at;
};

// The newest of each class of device and engine build, from two makers.
class KnownPictures {
 public:
  using Key = std::pair<ClassId, std::string>;

  // Worth keeping: another maker's, or much newer.
  bool wants(const Key& key, WorkerId maker, Instant now) const {
    const auto known = known_.find(key);
    if (known == known_.end()) return true;
    const auto& [first, second] = known->second;
    if (first.maker == maker) return now - first.made_at > kOld;
    return !second || now - second->made_at > kOld;
  }
  void keep(const Key& key, KnownPicture picture) {
    const auto [known, is_new] = known_.try_emplace(key, std::pair{picture, std::nullopt});
    if (is_new) return;
    auto& [first, second] = known->second;
    if (first.maker != picture.maker) second = std::move(first);
    first = std::move(picture);
  }
  // Made by somebody else; null where there is none.
  const KnownPicture* find(const Key& key, WorkerId not_by) const {
    const auto known = known_.find(key);
    if (known == known_.end()) return nullptr;
    const auto& [first, second] = known->second;
    if (first.maker != not_by) return &first;
    return second && second->maker != not_by ? &*second : nullptr;
  }

 private:
  static constexpr Duration kOld = seconds(600);
  std::map<Key, std::pair<KnownPicture, std::optional<KnownPicture>>> known_;
};

}  // namespace pirouette::core
