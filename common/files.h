#pragma once
// Whole files, written so that they are there after a power cut or not at all: a temporary name in
// the same folder, fsync, rename, fsync of the folder.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"

namespace pirouette {

// Reads a whole file of at most limit bytes; a larger one is an error, not a prefix.
Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path, std::size_t limit);

// Atomic and durable once it returns. mode: permission bits of a new file.
Result<void> write_file_durably(const std::filesystem::path& path,
                                std::span<const std::uint8_t> bytes, unsigned mode = 0644);
Result<void> write_file_durably(const std::filesystem::path& path, std::string_view text,
                                unsigned mode = 0644);

Result<void> sync_folder(const std::filesystem::path& folder);

}  // namespace pirouette
