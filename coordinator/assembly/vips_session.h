#pragma once
// libvips' start and end, and the wall where its exceptions become Errors. One session a process,
// made at the first use and ended with the process; safe from any thread. libvips may use one
// extra thread only (rendering workers may share the machine), keeps no cache, and refuses loaders
// that are not hardened against hostile files.

#include <cstdint>
#include <string>
#include <vector>
#include <vips/vips8>

#include "common/result.h"

namespace pirouette::assembly {

// Starts libvips unless it runs. io: it does not start (a broken installation).
Result<void> start_vips();

// Runs work, which may throw vips::VError. corrupt: what libvips said, on one line.
template <typename Work>
auto with_vips(Work work) -> Result<decltype(work())>;

std::string vips_message(const vips::VError& error);

// What a ..._buffer() saver returned, which is freed.
std::vector<std::uint8_t> take_bytes(VipsBlob* blob);

template <typename Work>
auto with_vips(Work work) -> Result<decltype(work())> {
  TRY(start_vips());
  try {
    return work();
  } catch (const vips::VError& error) {
    return Error{Errc::corrupt, vips_message(error)};
  }
}

}  // namespace pirouette::assembly
