// The seed of a take: SHA-256 of what it is a take of, so that no order of work and no machine
// changes it. Each part goes in with its length in front: ("ab", "c") and ("a", "bc") differ.

#include "common/hash.h"
#include "common/job/recipe.h"

namespace pirouette {
namespace {

void append(std::string& out, std::string_view part) {
  out += std::to_string(part.size());
  out += ':';
  out += part;
}

}  // namespace

std::uint64_t make_seed(std::string_view character, std::optional<std::uint64_t> sheet_seed,
                        std::string_view view_id, std::uint32_t take) {
  std::string of;
  append(of, sheet_seed ? "seed" : "character");
  append(of, sheet_seed ? std::to_string(*sheet_seed) : std::string(character));
  append(of, view_id);
  append(of, std::to_string(take));
  const Digest digest = sha256(std::string_view(of));
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < 8; ++i) seed = seed << 8 | digest.bytes[i];
  return seed >> 1;
}

}  // namespace pirouette
