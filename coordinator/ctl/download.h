#pragma once
// One file of a delivery, from the server to its place. It grows under .pirouette/ in the
// delivery's folder, so that a download that broke off goes on where it was, and gets its name when
// all of it is there, hashed and synced: a file under its own name is whole, always.

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/hash.h"
#include "common/result.h"
#include "coordinator/ctl/client.h"
#include "coordinator/ctl/verified.h"

namespace pirouette::ctl {

inline constexpr const char* kStateFolder = ".pirouette";

struct DeliveryFile {
  std::filesystem::path path;  // in the delivery's folder; safe
  Digest digest;
  std::uint64_t bytes = 0;
  std::string kind;  // "sheet", "view", "thumbnail"
};

enum class Fetched { now, there_already };

// Goes on after a connection that broke; gives up when the server stays away (timeout) or sends
// something else twice (corrupt). io: this disk, what came is kept.
Result<Fetched> fetch_file(Client& client, const DeliveryFile& file,
                           const std::filesystem::path& folder, Verified& verified);

}  // namespace pirouette::ctl
