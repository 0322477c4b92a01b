// PNG by libpng's row interface. libpng reports errors by longjmp, so each function that calls it
// under setjmp keeps everything with a destructor in a session struct outside the jump.

#include "common/image/image.h"

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "common/image/provenance.h"

namespace pirouette {
namespace {

// zlib's own balance of size and speed. With the fixed filter set the bytes depend on the picture
// and libpng alone.
constexpr int kCompressionLevel = 6;

// A keyword's length by the PNG specification, 11.3.4.
constexpr std::size_t kKeyMaxBytes = 79;

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  *static_cast<std::string*>(png_get_error_ptr(png)) = message;
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

struct Decoding {
  std::string complaint;
  std::span<const std::uint8_t> rest;
  png_structp png = nullptr;
  png_infop about = nullptr;
  Image image;
  std::vector<png_bytep> rows;
  bool too_large = false;

  ~Decoding() { png_destroy_read_struct(&png, &about, nullptr); }
};

void read_bytes(png_structp png, png_bytep out, std::size_t length) {
  auto& rest = static_cast<Decoding*>(png_get_io_ptr(png))->rest;
  if (rest.size() < length) png_error(png, "the file ends early");
  std::memcpy(out, rest.data(), length);
  rest = rest.subspan(length);
}

// Asks libpng for 8-bit RGB or RGBA, whatever the file holds.
void ask_for_rgb(png_structp png, png_infop about) {
  png_set_expand(png);       // palette, 1/2/4-bit grey and tRNS to full channels
  png_set_scale_16(png);     // rounds, where stripping would truncate
  png_set_gray_to_rgb(png);  // leaves colour alone
  png_set_interlace_handling(png);
  png_read_update_info(png, about);
}

// False with decoding.complaint set where libpng gave up.
bool read_header(Decoding& d) {
  if (setjmp(png_jmpbuf(d.png))) return false;
  png_set_read_fn(d.png, &d, read_bytes);
  // Profiles, times and texts are not looked at: nothing to inflate, nothing to attack.
  png_set_keep_unknown_chunks(d.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  // The limits are checked below, where the error can name them.
  png_set_user_limits(d.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_read_info(d.png, d.about);
  const std::int64_t width = png_get_image_width(d.png, d.about);
  const std::int64_t height = png_get_image_height(d.png, d.about);
  if (width > kImageMaxSide || height > kImageMaxSide || width * height > kImageMaxPixels) {
    d.too_large = true;
    return true;
  }
  ask_for_rgb(d.png, d.about);
  d.image.width = static_cast<int>(width);
  d.image.height = static_cast<int>(height);
  d.image.channels = png_get_channels(d.png, d.about);
  return true;
}

bool read_rows(Decoding& d) {
  if (setjmp(png_jmpbuf(d.png))) return false;
  png_read_image(d.png, d.rows.data());
  png_read_end(d.png, nullptr);
  return true;
}

struct Encoding {
  std::string complaint;
  std::vector<std::uint8_t> bytes;
  png_structp png = nullptr;
  png_infop about = nullptr;
  std::vector<png_text> texts;
  std::vector<png_const_bytep> rows;

  ~Encoding() { png_destroy_write_struct(&png, &about); }
};

void write_bytes(png_structp png, png_bytep from, std::size_t length) {
  auto& bytes = static_cast<Encoding*>(png_get_io_ptr(png))->bytes;
  bytes.insert(bytes.end(), from, from + length);
}

void flush_bytes(png_structp) {}

bool write_all(Encoding& e, const Image& image) {
  if (setjmp(png_jmpbuf(e.png))) return false;
  png_set_write_fn(e.png, &e, write_bytes, flush_bytes);
  png_set_compression_level(e.png, kCompressionLevel);
  png_set_filter(e.png, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
  png_set_IHDR(e.png, e.about, static_cast<png_uint_32>(image.width),
               static_cast<png_uint_32>(image.height), 8,
               image.channels == 4 ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
  png_set_text(e.png, e.about, e.texts.data(), static_cast<int>(e.texts.size()));
  png_write_info(e.png, e.about);
  for (const png_const_bytep row : e.rows) png_write_row(e.png, row);
  png_write_end(e.png, nullptr);
  return true;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_keyword(std::string_view key) {
  return !key.empty() && key.size() <= kKeyMaxBytes && key.front() != ' ' && key.back() != ' ' &&
         key.find("  ") == key.npos &&
         std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// libpng takes char* and does not write to it.
char* unconst(const char* text) { return const_cast<char*>(text); }

Result<png_text> make_text(const std::string& key, const std::string& value) {
  if (!is_keyword(key)) {
    return Error{Errc::invalid, "\"" + key + "\" cannot be a PNG keyword: use 1 to " +
                                    std::to_string(kKeyMaxBytes) +
                                    " ASCII characters without spaces around or in pairs"};
  }
  if (value.find('\0') != value.npos) {
    return Error{Errc::invalid, "the PNG text of \"" + key + "\" has a zero byte"};
  }
  png_text text{};
  text.key = unconst(key.c_str());
  text.text = unconst(value.c_str());
  if (is_ascii(value) && key != kXmpKey) {
    text.compression = PNG_TEXT_COMPRESSION_NONE;
    text.text_length = value.size();
  } else {
    text.compression = PNG_ITXT_COMPRESSION_NONE;
    text.itxt_length = value.size();
    text.lang = unconst("");
    text.lang_key = unconst("");
  }
  return text;
}

std::size_t row_bytes(const Image& image) {
  return static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.channels);
}

}  // namespace

Result<Image> decode_png(std::span<const std::uint8_t> bytes) {
  Decoding d;
  d.rest = bytes;
  d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d.complaint, on_error, on_warning);
  PIROUETTE_CHECK(d.png != nullptr);
  d.about = png_create_info_struct(d.png);
  PIROUETTE_CHECK(d.about != nullptr);
  if (!read_header(d)) return Error{Errc::corrupt, "not a usable PNG: " + d.complaint};
  if (d.too_large) {
    return Error{Errc::invalid,
                 "the PNG is " + std::to_string(png_get_image_width(d.png, d.about)) + "x" +
                     std::to_string(png_get_image_height(d.png, d.about)) + " pixels; at most " +
                     std::to_string(kImageMaxSide) + " a side and " +
                     std::to_string(kImageMaxPixels) + " in all are accepted, scale it down"};
  }
  PIROUETTE_CHECK(d.image.channels == 3 || d.image.channels == 4);
  const std::size_t stride = row_bytes(d.image);
  d.image.pixels.resize(stride * static_cast<std::size_t>(d.image.height));
  d.rows.resize(static_cast<std::size_t>(d.image.height));
  for (std::size_t y = 0; y < d.rows.size(); ++y) d.rows[y] = d.image.pixels.data() + y * stride;
  if (!read_rows(d)) return Error{Errc::corrupt, "the PNG is damaged: " + d.complaint};
  return std::move(d.image);
}

Result<std::vector<std::uint8_t>> encode_png(const Image& image,
                                             const std::map<std::string, std::string>& text) {
  PIROUETTE_CHECK(image.width > 0 && image.height > 0);
  PIROUETTE_CHECK(image.channels == 3 || image.channels == 4);
  const std::size_t stride = row_bytes(image);
  PIROUETTE_CHECK(image.pixels.size() == stride * static_cast<std::size_t>(image.height));
  Encoding e;
  for (const auto& [key, value] : text) e.texts.push_back(TRY(make_text(key, value)));
  e.rows.resize(static_cast<std::size_t>(image.height));
  for (std::size_t y = 0; y < e.rows.size(); ++y) e.rows[y] = image.pixels.data() + y * stride;
  e.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &e.complaint, on_error, on_warning);
  PIROUETTE_CHECK(e.png != nullptr);
  e.about = png_create_info_struct(e.png);
  PIROUETTE_CHECK(e.about != nullptr);
  if (!write_all(e, image)) return Error{Errc::invalid, "cannot write a PNG: " + e.complaint};
  return std::move(e.bytes);
}

Image flatten_on_white(const Image& image) {
  if (image.channels == 3) return image;
  PIROUETTE_CHECK(image.channels == 4);
  Image flat{image.width, image.height, 3, {}};
  const std::size_t count = image.pixels.size() / 4;
  flat.pixels.resize(count * 3);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* from = &image.pixels[i * 4];
    const int alpha = from[3];
    for (std::size_t c = 0; c < 3; ++c) {
      const int sum = from[c] * alpha + 255 * (255 - alpha);
      flat.pixels[i * 3 + c] = static_cast<std::uint8_t>((sum + 127) / 255);
    }
  }
  return flat;
}

}  // namespace pirouette
