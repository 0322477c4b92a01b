#include "worker/link/lora_fetcher.h"

#include <algorithm>
#include <numeric>

#include "common/log.h"

namespace pirouette::link {

LoraFetcher::LoraFetcher(zmq::context_t& context, std::string endpoint,
                         std::optional<wire::WorkerKeys> keys, LoraCache& cache,
                         Blobs unused_pictures, BlobClient::OnEvent on_event)
    : context_(context),
      endpoint_(std::move(endpoint)),
      keys_(std::move(keys)),
      cache_(cache),
      unused_pictures_(std::move(unused_pictures)),
      on_event_(std::move(on_event)) {}

void LoraFetcher::want(const std::vector<RecipeLora>& loras) {
  const auto bytes =
      std::accumulate(loras.begin(), loras.end(), std::uint64_t{0},
                      [](std::uint64_t sum, const RecipeLora& lora) { return sum + lora.bytes; });
  if (bytes > cache_.max_bytes()) {
    return on_event_(agent::LoraFailed{
        loras.front().sha256, agent::FailureClass::worker,
        "the job's LoRAs have " + std::to_string(bytes) + " bytes, and this worker's cache holds " +
            std::to_string(cache_.max_bytes()) + "; give it more with --lora-cache-size"});
  }
  waiting_.insert(waiting_.end(), loras.begin(), loras.end());
}

void LoraFetcher::go_on(const std::vector<Digest>& in_use) {
  std::erase_if(waiting_, [&](const RecipeLora& lora) {
    if (std::ranges::find(in_use, lora.sha256) == in_use.end()) return true;
    if (cache_.use(lora.sha256)) {
      on_event_(agent::LoraFetched{lora.sha256});
      return true;
    }
    const std::lock_guard lock(mutex_);
    if (!cache_.reserve(lora.sha256, lora.bytes, in_use)) return false;
    // Or it is on its way for another job.
    if (names_.emplace(lora.sha256, lora.name).second) fetch(lora);
    return true;
  });
}

void LoraFetcher::fetch(const RecipeLora& lora) {
  log::info("worker", "fetching LoRA " + lora.name + ", " + std::to_string(lora.bytes) + " bytes");
  if (!client_) {
    client_.emplace(context_, endpoint_, keys_, cache_, unused_pictures_,
                    [this](const agent::Event& event) { ended(event); });
  }
  client_->fetch(lora.sha256);
}

// On the client's thread, which knows references only by name.
void LoraFetcher::ended(const agent::Event& event) {
  if (const auto* fetched = std::get_if<agent::ReferenceFetched>(&event)) {
    take_off(fetched->digest);
    return on_event_(agent::LoraFetched{fetched->digest});
  }
  const auto* failed = std::get_if<agent::ReferenceFailed>(&event);
  if (!failed) return;
  const std::string name = take_off(failed->digest);
  log::warn("worker", "cannot fetch LoRA " + name + ": " + failed->why);
  on_event_(
      agent::LoraFailed{failed->digest, failed->failure,
                        "cannot fetch the LoRA " + name + " from the coordinator: " + failed->why});
}

std::string LoraFetcher::take_off(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  cache_.give_up(digest);
  const auto found = names_.find(digest);
  if (found == names_.end()) return "";
  std::string name = std::move(found->second);
  names_.erase(found);
  return name;
}

}  // namespace pirouette::link
