#pragma once
// The coordinator's API as functions. Keeps one connection open. A problem document becomes an
// Error whose message is its detail; a server that cannot be reached is timeout (exit.h). One
// thread at a time.

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "common/hash.h"
#include "common/result.h"

namespace pirouette::ctl {

using Json = nlohmann::ordered_json;

class Client {
 public:
  // url: "http://host:port". invalid: not that. Connects at the first request.
  static Result<Client> open(const std::string& url);
  // To the same server, for another thread.
  Result<Client> another() const;
  ~Client();
  Client(Client&&) noexcept;

  // path: from "/api/v1" on, without it: "/batches/7".
  Result<Json> get(const std::string& path);
  Result<Json> post(const std::string& path, const std::string& json_body);
  // Every item of a list, page by page.
  Result<Json> get_all(const std::string& path);

  Result<bool> has_blob(const Digest& digest);
  // picture: a PNG, JPEG or WebP. Returns what a batch names it by. Waits and tries again while the
  // server says that it is busy, up to a minute.
  Result<Digest> send_reference(std::span<const std::uint8_t> picture);
  // A blob from offset on, piece by piece: take is told where in the blob a piece belongs (a server
  // without ranges begins at 0). What take returns ends it. timeout: the connection broke; what
  // take has is good. Hashes nothing.
  using TakeFn = std::function<Result<void>(std::uint64_t at, std::span<const std::uint8_t>)>;
  Result<void> read_blob(const Digest& digest, std::uint64_t offset, const TakeFn& take);

 private:
  struct Connection;
  explicit Client(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace pirouette::ctl
