#pragma once
// The texts in a PNG, read chunk by chunk as the PNG specification has it (11.3.4) and not by the
// library that wrote them.

#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace pirouette::testing {

struct PngText {
  std::string chunk;  // "tEXt" or "iTXt"
  std::string value;
};

// By keyword. Uncompressed ones; empty for what is no PNG.
inline std::map<std::string, PngText> png_texts(std::span<const std::uint8_t> bytes) {
  const std::string png(bytes.begin(), bytes.end());
  std::map<std::string, PngText> texts;
  constexpr std::size_t kSignature = 8, kAround = 12;  // length, type and checksum
  for (std::size_t at = kSignature; at + kAround <= png.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | bytes[at + i];
    const std::string type = png.substr(at + 4, 4), content = png.substr(at + 8, length);
    at += kAround + length;
    const std::size_t zero = content.find('\0');
    if (zero == content.npos) continue;
    if (type == "tEXt") texts[content.substr(0, zero)] = {type, content.substr(zero + 1)};
    // Behind the keyword of an iTXt: two bytes on compression, a language and a translation.
    if (type == "iTXt") {
      const std::size_t language_end = content.find('\0', zero + 3);
      const std::size_t text = content.find('\0', language_end + 1) + 1;
      texts[content.substr(0, zero)] = {type, content.substr(text)};
    }
  }
  return texts;
}

}  // namespace pirouette::testing
