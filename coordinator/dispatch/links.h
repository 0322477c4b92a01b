#pragma once
// Who is at the other end: routing ids of the control socket to LinkIds and back. Pure; owned by
// dispatch's thread. At most kLinksMax links; a link that is silent for kLinkSilentMax is forgotten
// (its worker is asked for its Hello when it speaks again).

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "common/time.h"

namespace pirouette::dispatch {

// Far beyond any lease length: by then the core has given the worker up.
inline constexpr Duration kLinkSilentMax = seconds(600);

struct Link {
  LinkId id;
  std::string routing;  // the process's own random name on the socket
  std::string worker;   // the worker's name, from its Hello
  std::string key;      // its public CURVE key, empty when plain
  Instant heard_at;
};

class Links {
 public:
  explicit Links(std::size_t links_max) : links_max_(links_max) {}

  // A new number for this routing id; its old link, if any, is closed. Null when the table is full.
  const Link* open(std::string_view routing, std::string_view worker, std::string_view key,
                   Instant now);
  void close(LinkId id);

  const Link* find(LinkId id) const;
  const Link* find(std::string_view routing) const;
  const Link* find_worker(std::string_view worker) const;

  void heard(LinkId id, Instant now);
  std::size_t forget_silent(Instant now);  // how many
  std::vector<Link> all() const;
  std::size_t size() const { return by_id_.size(); }

 private:
  std::size_t links_max_;
  LinkId next_{1};
  std::map<LinkId, Link> by_id_;
  std::map<std::string, LinkId, std::less<>> by_routing_;
  std::map<std::string, LinkId, std::less<>> by_worker_;
};

}  // namespace pirouette::dispatch
