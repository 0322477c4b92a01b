#pragma once
// The coordinator's API as functions. Keeps one connection open. A problem document becomes an
// Error whose message is its detail; a server that cannot be reached is timeout (exit.h). One
// thread at a time.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
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
  Result<Json> del(const std::string& path);
  // The file's bytes, read as they go. Idempotent, so tried again as submit_batch is.
  Result<Json> put_file(const std::string& path, const std::filesystem::path& file,
                        std::uint64_t bytes);
  // Every item of a list, page by page.
  Result<Json> get_all(const std::string& path);

  // Idempotent, so tried again with the same key while the server is busy or, once it has answered
  // this client at all, away: a restart of the coordinator is waited for.
  struct Submitted {
    Json answer;
    bool is_new = true;  // false: a batch was made of this key before, and this is it
  };
  Result<Submitted> submit_batch(const std::string& json_body, const std::string& key);

  // What a picture became on the server, by the SHA-256 of the picture; none: the server does not
  // have it. Tried again as submit_batch is; so is sending it.
  Result<std::optional<Json>> find_reference(const Digest& original);
  // picture: a PNG, JPEG or WebP. invalid: why the server refuses it.
  Result<Json> send_reference(const Digest& original, std::span<const std::uint8_t> picture);
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
