#pragma once
// A bounded map that forgets what was used longest ago. Owned by one thread.

#include <cstddef>
#include <list>
#include <map>
#include <utility>

namespace pirouette::engine {

// Key is ordered; the map never holds more than limit values.
template <typename Key, typename Value>
class Lru {
 public:
  explicit Lru(std::size_t limit) : limit_(limit) {}

  // Null if it is not there. The value stays until the next put() or clear().
  const Value* find(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  const Value& put(const Key& key, Value value) {
    if (const auto old = places_.find(key); old != places_.end()) {
      entries_.erase(old->second);
      places_.erase(old);
    }
    entries_.emplace_front(key, std::move(value));
    places_[key] = entries_.begin();
    if (entries_.size() > limit_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    return entries_.front().second;
  }

  void clear() {
    places_.clear();
    entries_.clear();
  }

  std::size_t size() const { return entries_.size(); }

 private:
  std::size_t limit_;
  std::list<std::pair<Key, Value>> entries_;  // the last used first
  std::map<Key, typename std::list<std::pair<Key, Value>>::iterator> places_;
};

}  // namespace pirouette::engine
