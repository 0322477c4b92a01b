#pragma once
// What code that works on file descriptors shares: one that closes itself, a write that does not
// stop half way, and errno put into words. Whole files are read and written by common/files.h.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "common/result.h"

namespace pirouette {

// What errno says just now: "cannot sync PATH: no space left". not_found for ENOENT, else io.
Error io_error(const std::string& doing, const std::filesystem::path& path);

// Closes what it holds; -1: nothing.
struct OpenFile {
  int fd = -1;
  explicit OpenFile(int descriptor) : fd(descriptor) {}
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
};

// All of bytes, however many calls it takes. path: for the error's words.
Result<void> write_all(int fd, std::span<const std::uint8_t> bytes,
                       const std::filesystem::path& path);

}  // namespace pirouette
