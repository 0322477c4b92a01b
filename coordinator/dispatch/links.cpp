#include "coordinator/dispatch/links.h"

#include <iterator>

namespace pirouette::dispatch {

const Link* Links::open(std::string_view routing, std::string_view worker, std::string_view key,
                        Instant now) {
  if (const Link* old = find(routing)) close(old->id);
  if (by_id_.size() >= links_max_) return nullptr;
  const LinkId id = next_;
  ++next_.value;
  by_routing_[std::string(routing)] = id;
  by_worker_[std::string(worker)] = id;
  return &(by_id_[id] = Link{id, std::string(routing), std::string(worker), std::string(key), now});
}

void Links::close(LinkId id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  by_routing_.erase(found->second.routing);
  // A newer process of the same name may have taken the entry over.
  const auto named = by_worker_.find(found->second.worker);
  if (named != by_worker_.end() && named->second == id) by_worker_.erase(named);
  by_id_.erase(found);
}

const Link* Links::find(LinkId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

const Link* Links::find(std::string_view routing) const {
  const auto found = by_routing_.find(routing);
  return found == by_routing_.end() ? nullptr : find(found->second);
}

const Link* Links::find_worker(std::string_view worker) const {
  const auto found = by_worker_.find(worker);
  return found == by_worker_.end() ? nullptr : find(found->second);
}

void Links::heard(LinkId id, Instant now) {
  const auto found = by_id_.find(id);
  if (found != by_id_.end()) found->second.heard_at = now;
}

std::size_t Links::forget_silent(Instant now) {
  std::vector<LinkId> silent;
  for (const auto& [id, link] : by_id_) {
    if (now - link.heard_at > kLinkSilentMax) silent.push_back(id);
  }
  for (const LinkId id : silent) close(id);
  return silent.size();
}

std::vector<Link> Links::all() const {
  std::vector<Link> links;
  links.reserve(by_id_.size());
  for (const auto& [id, link] : by_id_) links.push_back(link);
  return links;
}

}  // namespace pirouette::dispatch
