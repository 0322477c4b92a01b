// The seed of a take: the one that was given, counted on for later takes, or SHA-256 of what it is
// a take of, so that no order of work and no machine changes it. Each part is hashed with its
// length in front: ("ab", "c") and ("a", "bc") differ.

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
  if (sheet_seed) return *sheet_seed + take - 1;
  std::string of;
  append(of, "character");
  append(of, character);
  append(of, view_id);
  append(of, std::to_string(take));
  const Digest digest = sha256(std::string_view(of));
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < 8; ++i) seed = seed << 8 | digest.bytes[i];
  return seed >> 1;
}

}  // namespace pirouette
