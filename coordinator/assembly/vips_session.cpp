// See vips_session.h.

#include "coordinator/assembly/vips_session.h"

namespace pirouette::assembly {
namespace {

constexpr int kThreads = 2;

// Broken pictures are told to whoever sent them; libvips' own lines on stderr are not wanted.
void drop_warning(const char*, GLogLevelFlags, const char*, void*) {}

class Session {
 public:
  Session() {
    started_ = VIPS_INIT("pirouette") == 0;
    if (!started_) {
      vips_error_clear();
      return;
    }
    g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING, drop_warning, nullptr);
    vips_concurrency_set(kThreads);
    vips_cache_set_max(0);
    vips_block_untrusted_set(TRUE);
  }
  ~Session() {
    if (started_) vips_shutdown();
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  bool started() const { return started_; }

 private:
  bool started_;
};

}  // namespace

Result<void> start_vips() {
  static const Session session;
  if (session.started()) return {};
  return Error{Errc::io, "libvips does not start; is the package libvips42 whole?"};
}

std::string vips_message(const vips::VError& error) {
  std::string line;
  for (const char* c = error.what(); *c != '\0'; ++c) {
    if (*c == '\n') {
      if (!line.empty() && line.back() != ' ') line += ' ';
    } else if (static_cast<unsigned char>(*c) >= 0x20 && static_cast<unsigned char>(*c) < 0x7f) {
      line += *c;
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  vips_error_clear();
  return line.empty() ? "libvips gave no reason" : line;
}

std::vector<std::uint8_t> take_bytes(VipsBlob* blob) {
  std::size_t size = 0;
  const auto* first = static_cast<const std::uint8_t*>(vips_blob_get(blob, &size));
  std::vector<std::uint8_t> bytes(first, first + size);
  vips_area_unref(VIPS_AREA(blob));
  return bytes;
}

}  // namespace pirouette::assembly
