#pragma once
// Every limit of the HTTP side by name. Reaching one is said: in the answer, in the log, or both.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pirouette::http {

// --- connections ---

// Threads that serve requests. A request waits for SQLite, a file or the loop, rarely for the CPU,
// so there are more of them than cores; a browser opens six connections a page.
inline constexpr std::size_t kHttpThreads = 24;
// Event streams, each on a thread of its own beside those: a page's tabs share one.
inline constexpr std::size_t kStreamsMax = 64;
// Accepted connections that wait for a thread; beyond them the kernel's backlog holds the rest.
inline constexpr std::size_t kConnectionsWaitingMax = 256;
// How long a connection may be silent between two requests before its thread is wanted back.
inline constexpr std::chrono::seconds kIdleMax{2};
inline constexpr std::size_t kRequestsPerConnection = 1'000;
// How long a peer may take to take or give the next bytes.
inline constexpr std::chrono::seconds kReadMax{10}, kWriteMax{10};
// A path of ours has at most 100 characters.
inline constexpr std::size_t kPathMaxBytes = 512;

// --- requests ---

inline constexpr std::size_t kReferenceMaxBytes = 64u << 20;
// Large bodies (a picture, a batch) in memory at a time.
inline constexpr std::size_t kUploadsMax = 4;
inline constexpr std::size_t kListDefault = 50, kListMax = 500;

// --- verification ---

// Each keeps one core and the disk busy; the rest of both is the farm's.
inline constexpr std::size_t kVerificationsMax = 2;
// A page ends after the sheet with which it has hashed so much: about a second's work.
inline constexpr std::uint64_t kVerifiedMaxBytes = 1ull << 30;

// --- event streams ---

// Ledger rows that a reader may be behind before it is told to fetch everything again.
inline constexpr std::uint64_t kStreamBehindMax = 1'000;
inline constexpr std::chrono::seconds kStreamHeartbeat{10};
// Progress is coalesced to the newest per job, this often at most.
inline constexpr std::chrono::milliseconds kProgressEvery{250};
// How soon a closed tab gives its stream back.
inline constexpr std::chrono::seconds kStreamLooksUp{1};

// --- thumbnails ---

inline constexpr std::uint64_t kThumbnailsMaxBytes = 256u << 20;
inline constexpr int kThumbnailDefaultPx = 240, kThumbnailMinPx = 16, kThumbnailMaxPx = 1024;
// Decoding is the dearest thing a GET can ask for: a page of 500 must not take every core.
inline constexpr std::size_t kThumbnailsAtOnce = 2;

}  // namespace pirouette::http
