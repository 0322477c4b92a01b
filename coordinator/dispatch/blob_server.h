#pragma once
// The coordinator's end of the blob socket, on its own thread, so that pictures never delay a
// heartbeat. Workers get references and put results, in chunks with a window of credit.
//
// Of a Get nothing is remembered: it is answered with the chunks it asks for. Of a Put the open
// file is kept; a Put of a digest that another process is sending takes it over where that one is,
// since the bytes are the same whoever sends them. What was received stays in the partial file when
// a transfer is given up, so it goes on from there.

#include <memory>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "common/blobs.h"
#include "common/known_blobs.h"
#include "common/result.h"
#include "common/wire/keys.h"

namespace pirouette::dispatch {

inline constexpr std::size_t kPutsOpenMax = 256;    // four per worker in a farm of 64
inline constexpr std::uint32_t kGetCreditMax = 64;  // chunks one Get may ask for: 16 MiB
// A Put that stays silent this long is closed; its partial file stays.
inline constexpr Duration kPutSilentMax = seconds(60);

class BlobServer {
 public:
  // keys none: plain. authorized may be null then; otherwise it must outlive the server, as stored
  // must, which is told of each blob that came.
  static Result<std::unique_ptr<BlobServer>> start(zmq::context_t& context,
                                                   const std::string& endpoint,
                                                   const std::optional<wire::KeyPair>& keys,
                                                   wire::AuthorizedWorkers* authorized, Blobs blobs,
                                                   KnownBlobs& stored);
  ~BlobServer();

  const std::string& endpoint() const;
  std::uint64_t bytes_received() const;
  std::uint64_t bytes_sent() const;

 private:
  class Impl;
  explicit BlobServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::dispatch
