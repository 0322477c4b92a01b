#pragma once
// The farm's face to people and programs: API v1 (schema/openapi.yaml), server-sent events, metrics
// and the page. A GET reads the database through the read model and never asks the core; what
// changes something becomes an Event for the loop, whose Reply answers the waiting request.
//
// Owns its threads: the front door holds every connection and waits for whole requests, which it
// and a few threads serve, a few more read uploads, and one holds all event streams. So neither open
// pages nor slow peers ever stop a request (limits.h). post is called from the thread that serves,
// and no lock is held then: the round may run in it. answer(), published() and progressed() are
// called by whoever runs the round, and never block on the network.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/blobs.h"
#include "common/result.h"
#include "common/time.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/event.h"
#include "coordinator/http/limits.h"

namespace pirouette::store {
class ReadModel;
}

namespace pirouette::http {

struct Reference {
  struct Crop {
    int x = 0, y = 0, width = 0, height = 0;
  };
  std::vector<std::uint8_t> png;
  int width = 0, height = 0;
  std::optional<Crop> crop;  // of what was sent, upright; none: all of it
  std::vector<std::string> warnings;
};

class Http {
 public:
  struct Config {
    std::string host = "127.0.0.1";
    int port = 8080;  // 0: any free one; port() tells
    Blobs blobs;
    std::filesystem::path thumbnails;  // a folder of its own, bounded; made if it is not there
    std::shared_ptr<store::ReadModel> read;
    Instant started_at;
    Patience patience{};
    std::size_t connections_max = kConnectionsMax;
    // How long a request waits for the loop. The loop answers in milliseconds; past this it is
    // stuck.
    std::chrono::milliseconds answer_max = std::chrono::seconds(30);
    // A small PNG, JPEG or WebP of the picture in a file, height_px high. Called from request
    // threads.
    std::function<Result<std::vector<std::uint8_t>>(const std::filesystem::path& picture,
                                                    int height_px)>
        make_thumbnail;
    std::filesystem::path references;  // a folder of its own: what sent pictures became
    // Counts on when as_reference makes something else of the same picture; what was made under
    // another number is made again.
    int reference_making = 1;
    // A picture that a user sent, as the PNG that workers read. Called from request threads.
    std::function<Result<Reference>(std::span<const std::uint8_t> picture)> as_reference;
    std::uint64_t lora_max_bytes = kLoraMaxBytes;
    Duration heartbeat = seconds(2);  // at least so often a worker says something, in a small farm
  };

  // Listens once it returns. io: the address is taken or not ours.
  static Result<std::unique_ptr<Http>> start(Config config, std::function<void(core::Event)> post);
  ~Http();  // stops

  int port() const;

  // Completes the request that waits for it. One that nobody waits for any more is dropped.
  void answer(core::Reply&& reply);
  // A round was committed whose newest ledger row is last: streams go on to it.
  void published(EventId last);
  void progressed(std::vector<core::Progress>&& progress);

  // Ends every stream and waiting request, then returns. Twice is the same as once.
  void stop();

 private:
  class Impl;
  explicit Http(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::http
