#pragma once
// The worker's end of the blob socket, on its own thread: fetches blobs into a cache and
// puts pictures out of the outbox, one of each at a time. Transfers survive a cut: both go on from
// the last byte that arrived. A put is tried for ever (a finished render is never lost); a fetch is
// given up after kFetchMax, so that its job can be tried elsewhere.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "common/blobs.h"
#include "common/time.h"
#include "common/wire/keys.h"
#include "worker/agent/event.h"
#include "worker/link/blob_cache.h"

namespace pirouette::link {

// How long nothing may be heard of a transfer before it is asked for again; doubles up to the
// second with each silence, so that a slow line is not drowned in repetitions.
inline constexpr Duration kAskAgain = seconds(2);
inline constexpr Duration kAskAgainMax = seconds(30);
inline constexpr Duration kFetchMax = seconds(120);  // without a byte

class BlobClient {
 public:
  // Called on the blob thread with ReferenceFetched, ReferenceFailed, BlobStored or BlobLost.
  using OnEvent = std::function<void(agent::Event)>;

  // Throws zmq::error_t. cache must outlive the client.
  BlobClient(zmq::context_t& context, const std::string& endpoint,
             const std::optional<wire::WorkerKeys>& keys, BlobCache& cache, Blobs pictures,
             OnEvent on_event);
  ~BlobClient();

  // From any thread.
  void fetch(const Digest& digest);
  void put(const Digest& digest);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::link
