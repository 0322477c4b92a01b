#pragma once
// Every limit of the HTTP side by name. Reaching one is said: in the answer, in the log, or both.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pirouette::http {

// --- connections ---

// Open sockets, viewers included; each costs a descriptor and a few KB, never a thread. At the
// limit the connection that was idle longest makes room, and where none is idle the new one is
// refused.
inline constexpr std::size_t kConnectionsMax = 4'000;
// Of the descriptors that the system grants, those left to the database, pictures and workers.
inline constexpr std::size_t kDescriptorsKept = 512;
// Connections that the kernel holds until they are accepted.
inline constexpr int kBacklog = 512;
// Event streams. A page's tabs share one, so this is that many people and programs.
inline constexpr std::size_t kStreamsMax = 1'000;
inline constexpr std::size_t kRequestsPerConnection = 1'000;

// How long a peer may take. A struct, so that a test need not wait as long as a peer may.
struct Patience {
  // Between two requests, or before the first. Only a socket waits.
  std::chrono::milliseconds idle{60'000};
  // From a request's first byte to the end of its head, and from there to the end of a small body.
  std::chrono::milliseconds head{10'000}, small_body{20'000};
  // Until it takes the next bytes of an answer.
  std::chrono::milliseconds write{30'000};
  // An upload may be slower than kUploadBytesPerSecondMin for this long.
  std::chrono::milliseconds slow_upload{10'000};
  // Until it has read why its connection is closed.
  std::chrono::milliseconds goodbye{2'000};
};
// How often those are looked after.
inline constexpr std::chrono::milliseconds kPatienceLooksUp{100};
// When the coordinator stops: until the last answers are on their way.
inline constexpr std::chrono::milliseconds kStopMax{1'000};
// A limit that is reached again and again is said in the log this often.
inline constexpr std::chrono::seconds kRefusalSaidEvery{10};

// --- requests ---

// Threads that serve requests beside the front door's, complete ones. A request waits for SQLite,
// a file or the loop, rarely for the CPU, so there are more of them than cores.
inline constexpr std::size_t kHttpThreads = 24;
// Complete requests that wait for a thread.
inline constexpr std::size_t kRequestsWaitingMax = 256;
// A request line and its headers: a browser's take 1 KB. httplib knows no longer lines than 8 KiB.
inline constexpr std::size_t kHeadMaxBytes = 16u << 10;
// A path of ours has at most 100 characters.
inline constexpr std::size_t kPathMaxBytes = 512;
// Larger bodies are uploads.
inline constexpr std::size_t kSmallBodyMaxBytes = 64u << 10;
// No upload is larger, but a LoRA's (kLoraMaxBytes); what a route takes may be less.
inline constexpr std::size_t kBodyMaxBytes = 128u << 20;
// Uploads at a time: large bodies (a picture, a batch) in memory, each read by a thread of its own
// beside kHttpThreads.
inline constexpr std::size_t kUploadsMax = 4;
// Uploads that wait for such a place, unread.
inline constexpr std::size_t kUploadsWaitingMax = 64;
// Slower ones give their place to others: 256 kbit/s.
inline constexpr std::size_t kUploadBytesPerSecondMin = 32u << 10;
// An answer that is larger than this is read and sent in pieces of this size.
inline constexpr std::size_t kPieceBytes = 256u << 10;
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
// Rows that come in bursts go out together, this often at most: a write to each of a thousand
// viewers takes 10 ms.
inline constexpr std::chrono::milliseconds kStreamGather{50};
// What is under way to a viewer: one piece here, and this much in the kernel. Nothing new is made
// for it before it took that; its rows wait in the database.
inline constexpr std::size_t kStreamPieceBytes = 64u << 10;
inline constexpr int kStreamSendBufferBytes = 128 << 10;
// A viewer that takes nothing for this long is closed; it may come back with Last-Event-ID.
inline constexpr std::chrono::seconds kStreamStuckMax{30};

// --- thumbnails ---

inline constexpr std::uint64_t kThumbnailsMaxBytes = 256u << 20;
inline constexpr int kThumbnailDefaultPx = 240, kThumbnailMinPx = 16, kThumbnailMaxPx = 1024;
// Decoding is the dearest thing a GET can ask for: a page of 500 must not take every core.
inline constexpr std::size_t kThumbnailsAtOnce = 2;

}  // namespace pirouette::http
