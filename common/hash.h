#pragma once
// SHA-256, the name of every blob.

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/result.h"

namespace pirouette {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};
  auto operator<=>(const Digest&) const = default;
  // All zero: "no blob".
  explicit operator bool() const { return bytes != std::array<std::uint8_t, 32>{}; }
};

std::string to_hex(const Digest& digest);           // 64 lower-case digits
Result<Digest> parse_digest(std::string_view hex);  // invalid unless exactly that
Digest sha256(std::span<const std::uint8_t> bytes);
Digest sha256(std::string_view bytes);

// For bytes that arrive in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::uint8_t> bytes);
  Digest finish();  // once

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace pirouette
