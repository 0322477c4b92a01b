#pragma once
// How large anything on the wire may be. Both ends check before they parse; whoever sends keeps
// within them. Reaching one is logged by whoever meets it.

#include <cstddef>
#include <cstdint>

namespace pirouette::wire {

// Raised only when old and new cannot work together; otherwise unknown fields are ignored.
inline constexpr std::uint32_t kProtocol = 1;

// The socket drops the connection of whoever sends more. The largest honest frame is a Hello with
// kHelloMaxFinished results of full metrics: 2.1 MiB.
inline constexpr std::int64_t kControlFrameMaxBytes = 4 << 20;
// A sender starts another frame beyond this; one message may still take it over.
inline constexpr std::size_t kControlFrameFullBytes = 1 << 20;
inline constexpr int kFrameMaxMessages = 4096;

inline constexpr std::size_t kMetricsMaxBytes = 8 << 10;
inline constexpr std::size_t kResidencyMaxBytes = 64 << 10;
inline constexpr std::size_t kMessageMaxBytes = 2 << 10;  // why something failed; cut beyond it
inline constexpr int kHelloMaxNames = 1000;               // models, or LoRAs
inline constexpr int kHelloMaxHeld = 4096;                // leases
inline constexpr int kHelloMaxFinished = 256;  // further ones follow the Welcome as plain Finished
inline constexpr std::uint32_t kCapacityMax = 4096;

// 256 KiB is 2 ms of a 1 Gbit/s line: a heartbeat beside it is not felt.
inline constexpr std::size_t kChunkBytes = 256 << 10;
inline constexpr std::int64_t kBlobFrameMaxBytes = (256 << 10) + 256;  // a chunk and its words
// Chunks under way for one transfer: 2 MiB, which fills 1 Gbit/s over 16 ms of round trip.
inline constexpr std::uint32_t kCreditChunks = 8;

}  // namespace pirouette::wire
