#include "common/hash.h"

#include <openssl/evp.h>

namespace pirouette {
namespace {

// Looked up once, for as long as the program lives: with EVP_sha256() OpenSSL 3 searches its
// providers at every hash, under a lock that all threads share (0.3 of the 0.5 us of a short text).
const EVP_MD* algorithm() {
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

class Hash {
 public:
  Hash() { begin_anew(); }
  ~Hash() { EVP_MD_CTX_free(evp_); }
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  void begin_anew() {
    PIROUETTE_CHECK(evp_ && algorithm() && EVP_DigestInit_ex(evp_, algorithm(), nullptr) == 1);
  }
  void update(std::span<const std::uint8_t> bytes) {
    PIROUETTE_CHECK(EVP_DigestUpdate(evp_, bytes.data(), bytes.size()) == 1);
  }
  Digest finish() {
    Digest digest;
    unsigned length = 0;
    PIROUETTE_CHECK(EVP_DigestFinal_ex(evp_, digest.bytes.data(), &length) == 1);
    PIROUETTE_CHECK(length == digest.bytes.size());
    return digest;
  }

 private:
  EVP_MD_CTX* evp_ = EVP_MD_CTX_new();
};

}  // namespace

struct Sha256::Context {
  Hash hash;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::uint8_t> bytes) { context_->hash.update(bytes); }

Digest Sha256::finish() { return context_->hash.finish(); }

// One a thread, begun anew each time: making one costs as much as hashing a short text.
Digest sha256(std::span<const std::uint8_t> bytes) {
  thread_local Hash hash;
  hash.begin_anew();
  hash.update(bytes);
  return hash.finish();
}

Digest sha256(std::string_view bytes) {
  return sha256({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string to_hex(const Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(64);
  for (const std::uint8_t byte : digest.bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

Result<Digest> parse_digest(std::string_view hex) {
  Digest digest;
  const auto nibble = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  if (hex.size() != 64) {
    return Error{Errc::invalid, "a SHA-256 is 64 hexadecimal digits, this has " +
                                    std::to_string(hex.size()) + " characters"};
  }
  for (std::size_t i = 0; i < 32; ++i) {
    const int high = nibble(hex[2 * i]);
    const int low = nibble(hex[2 * i + 1]);
    if (high < 0 || low < 0) {
      return Error{Errc::invalid, "a SHA-256 is written in the digits 0-9 and a-f"};
    }
    digest.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

}  // namespace pirouette
