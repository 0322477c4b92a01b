// See picture_head.h. Sizes stand in PNG's IHDR, in JPEG's first start-of-frame marker and in
// WebP's first chunk (VP8X, VP8L or VP8).

#include "common/picture_head.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace pirouette {
namespace {

constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";

std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Error cut_off() {
  return {Errc::corrupt,
          "the picture is broken: it ends before it says how large it is; export or "
          "copy it again"};
}

Error nonsense() {
  return {Errc::corrupt, "the picture is broken: its header makes no sense; export it again"};
}

// Numbers at a place; nothing beyond the end.
class Bytes {
 public:
  explicit Bytes(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool has(std::size_t at, std::size_t count) const {
    return at <= bytes_.size() && count <= bytes_.size() - at;
  }
  std::uint32_t big(std::size_t at, std::size_t count) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes_[at + i];
    return value;
  }
  std::uint32_t little(std::size_t at, std::size_t count) const {
    std::uint32_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | bytes_[at + i];
    return value;
  }
  std::string_view text(std::size_t at, std::size_t count) const {
    return as_text(bytes_.subspan(at, count));
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

Result<PictureHead> with_size(PictureHead head, std::uint32_t width, std::uint32_t height) {
  if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX) return nonsense();
  head.width = static_cast<int>(width);
  head.height = static_cast<int>(height);
  return head;
}

// An animation says acTL before the first IDAT.
Result<PictureHead> read_png(const Bytes& bytes) {
  PictureHead head;
  constexpr std::size_t kFirst = 8, kChunkExtra = 12;  // length, type, CRC
  if (!bytes.has(kFirst, 16)) return cut_off();
  if (bytes.text(kFirst + 4, 4) != "IHDR") return nonsense();
  std::size_t at = kFirst;
  while (bytes.has(at, 8) && bytes.text(at + 4, 4) != "IDAT") {
    head.moves = head.moves || bytes.text(at + 4, 4) == "acTL";
    at += kChunkExtra + bytes.big(at, 4);
  }
  return with_size(head, bytes.big(16, 4), bytes.big(20, 4));
}

bool is_start_of_frame(std::uint32_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

Result<PictureHead> read_jpeg(const Bytes& bytes) {
  PictureHead head;
  head.format = PictureFormat::jpeg;
  std::size_t at = 2;
  while (bytes.has(at, 4)) {
    if (bytes.big(at, 1) != 0xFF) return nonsense();
    const std::uint32_t marker = bytes.big(at + 1, 1);
    if (marker == 0xFF) {  // fill
      ++at;
      continue;
    }
    if (is_start_of_frame(marker)) {
      if (!bytes.has(at, 9)) return cut_off();
      return with_size(head, bytes.big(at + 7, 2), bytes.big(at + 5, 2));
    }
    if (marker == 0xD9 || marker == 0xDA) return nonsense();  // the end, or pixels without a frame
    at += 2 + bytes.big(at + 2, 2);
  }
  return cut_off();
}

Result<PictureHead> read_webp(const Bytes& bytes) {
  PictureHead head;
  head.format = PictureFormat::webp;
  if (!bytes.has(12, 18)) return cut_off();
  const std::string_view chunk = bytes.text(12, 4);
  if (chunk == "VP8X") {
    head.moves = (bytes.big(20, 1) & 0x02u) != 0;
    return with_size(head, bytes.little(24, 3) + 1, bytes.little(27, 3) + 1);
  }
  if (chunk == "VP8L") {
    const std::uint32_t bits = bytes.little(21, 4);
    return with_size(head, (bits & 0x3FFFu) + 1, (bits >> 14 & 0x3FFFu) + 1);
  }
  if (chunk == "VP8 ") {
    return with_size(head, bytes.little(26, 2) & 0x3FFFu, bytes.little(28, 2) & 0x3FFFu);
  }
  return nonsense();
}

struct OtherFormat {
  std::string_view starts;
  std::string_view name;
};

// What studios have lying about beside pictures that we take.
constexpr std::array<OtherFormat, 11> kOthers{{
    {"GIF8", "a GIF"},
    {"BM", "a BMP"},
    {"II*", "a TIFF"},
    {"MM", "a TIFF"},
    {"8BPS", "a Photoshop file"},
    {"%PDF", "a PDF"},
    {"<svg", "an SVG"},
    {"<?xml", "an SVG or other XML"},
    {"PK\x03\x04", "a zip (or a Krita, OpenRaster or Office file)"},
    {"v/1\x01", "an OpenEXR"},
    {"version https://git-lfs", "a Git LFS pointer; fetch the real file with git lfs pull"},
}};

// "a GIF"; "" if it cannot be told.
std::string name_other(std::span<const std::uint8_t> bytes) {
  const std::string_view text = as_text(bytes);
  for (const OtherFormat& other : kOthers) {
    if (text.starts_with(other.starts)) return std::string(other.name);
  }
  if (text.size() >= 12 && text.substr(4, 4) == "ftyp") {
    const std::string_view brand = text.substr(8, 4);
    if (brand == "avif" || brand == "avis") return "an AVIF";
    return brand.starts_with("he") || brand == "mif1" ? "a HEIC" : "a video";
  }
  constexpr std::size_t kLookedAt = 512;
  const bool is_text = std::ranges::all_of(text.substr(0, kLookedAt), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  });
  return is_text ? "text" : "";
}

Error not_a_picture(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return {Errc::invalid, "the file is empty; export or copy it again"};
  const std::string other = name_other(bytes);
  return {Errc::invalid, (other.empty() ? std::string("this is not a picture that can be read")
                                        : "this is no picture but " + other) +
                             "; " + std::string(kReferenceFormats)};
}

std::string size_of(const PictureHead& head) {
  return std::to_string(head.width) + "x" + std::to_string(head.height);
}

}  // namespace

Result<PictureHead> read_picture_head(std::span<const std::uint8_t> bytes) {
  const std::string_view text = as_text(bytes);
  const Bytes reader(bytes);
  if (text.starts_with(kPngSignature)) return read_png(reader);
  if (text.starts_with("\xff\xd8\xff")) return read_jpeg(reader);
  if (text.starts_with("RIFF") && text.size() >= 12 && text.substr(8, 4) == "WEBP") {
    return read_webp(reader);
  }
  return not_a_picture(bytes);
}

Result<PictureHead> check_reference(std::span<const std::uint8_t> bytes) {
  if (bytes.size() > kReferenceMaxBytes) {
    return Error{Errc::invalid, "the file has " + std::to_string(bytes.size() >> 20) +
                                    " MiB; at most " + std::to_string(kReferenceMaxBytes >> 20) +
                                    " are accepted: save it smaller"};
  }
  const PictureHead head = TRY(read_picture_head(bytes));
  const std::int64_t pixels = std::int64_t{head.width} * head.height;
  if (std::min(head.width, head.height) < kReferenceMinSide) {
    return Error{Errc::invalid, "the picture is " + size_of(head) +
                                    " pixels; each side needs at least " +
                                    std::to_string(kReferenceMinSide)};
  }
  if (std::max(head.width, head.height) > kReferenceMaxSide || pixels > kReferenceMaxPixels) {
    return Error{Errc::invalid, "the picture is " + size_of(head) + " (" +
                                    std::to_string(pixels / 1'000'000) + " megapixels); at most " +
                                    std::to_string(kReferenceMaxSide) + " pixels a side and " +
                                    std::to_string(kReferenceMaxPixels >> 20) +
                                    " megapixels are accepted: scale it down"};
  }
  if (head.moves) {
    return Error{Errc::invalid, "the picture is animated; save one frame of it as a still picture"};
  }
  return head;
}

}  // namespace pirouette
