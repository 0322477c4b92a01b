#pragma once
// Brings the LoRAs of one job after the other into their cache, over a connection of its own: a
// file of a gigabyte must not hold up the next job's reference. Each is fetched once, however many
// jobs wait for it; one that finds no room waits until a job is over. The connection is made for
// the first file that has to be fetched.
//
// Owned by the worker's loop.

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "worker/link/blob_client.h"
#include "worker/link/lora_cache.h"

namespace pirouette::link {

class LoraFetcher {
 public:
  // on_event: called with LoraFetched or LoraFailed, from the round's thread or another. cache must
  // outlive the fetcher. unused_pictures: what a BlobClient wants for putting.
  LoraFetcher(zmq::context_t& context, std::string endpoint, std::optional<wire::WorkerKeys> keys,
              LoraCache& cache, Blobs unused_pictures, BlobClient::OnEvent on_event);

  // Those of one job.
  void want(const std::vector<RecipeLora>& loras);
  bool waits() const { return !waiting_.empty(); }
  // Begins what finds room. in_use: what jobs that are held need; the rest is wanted no longer.
  void go_on(const std::vector<Digest>& in_use);

 private:
  void fetch(const RecipeLora& lora);
  void ended(const agent::Event& event);
  // It is not on its way any more. Its name.
  std::string take_off(const Digest& digest);

  zmq::context_t& context_;
  const std::string endpoint_;
  const std::optional<wire::WorkerKeys> keys_;
  LoraCache& cache_;
  const Blobs unused_pictures_;
  const BlobClient::OnEvent on_event_;

  std::vector<RecipeLora> waiting_;
  std::mutex mutex_;
  std::map<Digest, std::string> names_;  // of those on their way; under mutex_
  std::optional<BlobClient> client_;     // the last: its thread calls ended()
};

}  // namespace pirouette::link
