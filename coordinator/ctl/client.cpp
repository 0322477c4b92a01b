#include "coordinator/ctl/client.h"

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

constexpr std::string_view kPrefix = "/api/v1";
constexpr std::chrono::seconds kConnectMax{5};
// Longer than the server lets a request wait for its loop (30 s), so that its own answer arrives.
constexpr std::chrono::seconds kReadMax{40}, kWriteMax{40};
// What may be sent twice is tried again after 0.1 s, 0.2 s, … up to 3.2 s: for half a minute in
// all, in which a coordinator is back from a restart.
constexpr std::chrono::milliseconds kFirstWait{100}, kLongestWait{3'200};
constexpr int kTriesMax = 14;
constexpr std::string_view kPageSize = "500";
constexpr std::size_t kFilePieceBytes = 256 << 10;
constexpr std::size_t kRefusalMaxBytes = 64 << 10;  // of an answer that is no blob

Errc code_of(int status) {
  switch (status) {
    case 404:
      return Errc::not_found;
    case 409:
      return Errc::conflict;
    case 503:
      return Errc::busy;
    default:
      return status < 500 ? Errc::invalid : Errc::io;
  }
}

// A problem document's detail, or what else can be said of an answer that is none.
Error error_of(const httplib::Response& response, const std::string& path) {
  const Json body = Json::parse(response.body, nullptr, false);
  if (body.is_object() && body.contains("detail") && body["detail"].is_string()) {
    return {code_of(response.status), body["detail"].get<std::string>()};
  }
  return {code_of(response.status),
          path + ": the server answered " + std::to_string(response.status) +
              " without saying why; is there a Pirouette coordinator at that address?"};
}

}  // namespace

struct Client::Connection {
  explicit Connection(const std::string& given) : url(given), http(given) {
    http.set_connection_timeout(kConnectMax.count());
    http.set_read_timeout(kReadMax);
    http.set_write_timeout(kWriteMax);
    http.set_keep_alive(true);
    http.set_tcp_nodelay(true);
  }

  // The answer, whatever its status; timeout if there is none.
  Result<httplib::Response> answered(httplib::Result&& result) const {
    if (result) return std::move(*result);
    return Error{Errc::timeout, "cannot reach the coordinator at " + url + " (" +
                                    httplib::to_string(result.error()) +
                                    "); is it running, and is --server right?"};
  }

  // send: called until there is an answer that is not "later". A server that never answered is not
  // waited for: its address may be wrong.
  template <typename Send>
  Result<httplib::Response> tried(Send send) {
    auto wait = kFirstWait;
    for (int tries = 1;; ++tries) {
      auto answer = answered(send(http));
      const bool later = answer.ok() ? answer.value().status == 503 : reached;
      reached = reached || answer.ok();
      if (!later || tries == kTriesMax) return answer;
      std::this_thread::sleep_for(wait);
      wait = std::min(wait * 2, kLongestWait);
    }
  }

  std::string url;
  httplib::Client http;
  bool reached = false;  // has answered at least once
};

Client::Client(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;

Result<Client> Client::open(const std::string& url) {
  std::string trimmed = url;
  while (trimmed.ends_with('/')) trimmed.pop_back();
  const bool known = trimmed.starts_with("http://") || trimmed.starts_with("https://");
  auto connection = std::make_unique<Connection>(known ? trimmed : std::string());
  if (!known || !connection->http.is_valid()) {
    return Error{Errc::invalid, "\"" + url +
                                    "\" is no server's address; write it as "
                                    "http://127.0.0.1:8080"};
  }
  return Client(std::move(connection));
}

Result<Client> Client::another() const { return open(connection_->url); }

Result<Json> Client::get(const std::string& path) {
  const std::string full = std::string(kPrefix) + path;
  const httplib::Response answer = TRY(connection_->answered(connection_->http.Get(full)));
  if (answer.status != 200) return error_of(answer, full);
  Json body = Json::parse(answer.body, nullptr, false);
  if (body.is_discarded()) return Error{Errc::corrupt, full + ": the answer is not JSON"};
  return body;
}

Result<Json> Client::post(const std::string& path, const std::string& json_body) {
  const std::string full = std::string(kPrefix) + path;
  const httplib::Response answer =
      TRY(connection_->answered(connection_->http.Post(full, json_body, "application/json")));
  if (answer.status < 200 || answer.status > 299) return error_of(answer, full);
  Json body = Json::parse(answer.body, nullptr, false);
  if (body.is_discarded()) return Error{Errc::corrupt, full + ": the answer is not JSON"};
  return body;
}

Result<Json> Client::del(const std::string& path) {
  const std::string full = std::string(kPrefix) + path;
  const httplib::Response answer = TRY(connection_->answered(connection_->http.Delete(full)));
  if (answer.status < 200 || answer.status > 299) return error_of(answer, full);
  Json body = Json::parse(answer.body, nullptr, false);
  if (body.is_discarded()) return Error{Errc::corrupt, full + ": the answer is not JSON"};
  return body;
}

Result<Json> Client::put_file(const std::string& path, const std::filesystem::path& file,
                              std::uint64_t bytes) {
  const std::string full = std::string(kPrefix) + path;
  std::ifstream in(file, std::ios::binary);
  const auto read = [&](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
    std::string piece(std::min<std::size_t>(length, kFilePieceBytes), '\0');
    in.clear();
    in.seekg(static_cast<std::streamoff>(offset));
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    if (in.gcount() == 0) return false;
    sink.write(piece.data(), static_cast<std::size_t>(in.gcount()));
    return true;
  };
  const httplib::Response answer = TRY(connection_->tried([&](httplib::Client& http) {
    return http.Put(full, bytes, read, "application/octet-stream");
  }));
  if (answer.status < 200 || answer.status > 299) return error_of(answer, path);
  Json body = Json::parse(answer.body, nullptr, false);
  if (body.is_discarded()) return Error{Errc::corrupt, full + ": the answer is not JSON"};
  return body;
}

Result<Json> Client::get_all(const std::string& path) {
  Json all = Json::array();
  std::string after;
  while (true) {
    Json page = TRY(get(path + "?limit=" + std::string(kPageSize) + after));
    if (!page.is_object() || !page["items"].is_array()) {
      return Error{Errc::corrupt, path + ": the answer is not a list"};
    }
    for (Json& item : page["items"]) all.push_back(std::move(item));
    if (!page["next"].is_number_unsigned()) return all;
    after = "&after=" + std::to_string(page["next"].get<std::uint64_t>());
  }
}

Result<Client::Submitted> Client::submit_batch(const std::string& json_body,
                                               const std::string& key) {
  const std::string path = std::string(kPrefix) + "/batches";
  const httplib::Response answer = TRY(connection_->tried([&](httplib::Client& http) {
    return http.Post(path, {{"Idempotency-Key", key}}, json_body, "application/json");
  }));
  if (answer.status < 200 || answer.status > 299) return error_of(answer, path);
  Json body = Json::parse(answer.body, nullptr, false);
  if (!body.is_object()) return Error{Errc::corrupt, path + ": the answer is not JSON"};
  return Submitted{std::move(body), answer.status != 200};
}

Result<std::optional<Json>> Client::find_reference(const Digest& original) {
  const std::string path = std::string(kPrefix) + "/references/" + to_hex(original);
  const httplib::Response answer =
      TRY(connection_->tried([&](httplib::Client& http) { return http.Get(path); }));
  if (answer.status == 404) return std::optional<Json>();
  if (answer.status != 200) return error_of(answer, path);
  Json body = Json::parse(answer.body, nullptr, false);
  if (!body.is_object()) return Error{Errc::corrupt, path + ": the answer is not JSON"};
  return std::optional(std::move(body));
}

Result<Json> Client::send_reference(const Digest& original, std::span<const std::uint8_t> picture) {
  const std::string path = std::string(kPrefix) + "/references/" + to_hex(original);
  const httplib::Response answer = TRY(connection_->tried([&](httplib::Client& http) {
    return http.Put(path, reinterpret_cast<const char*>(picture.data()), picture.size(),
                    "application/octet-stream");
  }));
  if (answer.status != 200 && answer.status != 201) return error_of(answer, path);
  Json body = Json::parse(answer.body, nullptr, false);
  if (!body.is_object()) return Error{Errc::corrupt, path + ": the answer is not JSON"};
  return body;
}

Result<void> Client::read_blob(const Digest& digest, std::uint64_t offset, const TakeFn& take) {
  const std::string path = std::string(kPrefix) + "/blobs/" + to_hex(digest);
  httplib::Headers headers;
  if (offset > 0) headers.emplace("Range", "bytes=" + std::to_string(offset) + "-");
  httplib::Response head;  // status, and what a refusal says
  std::uint64_t at = 0;
  Result<void> taken;
  const auto begin = [&](const httplib::Response& response) {
    head.status = response.status;
    at = response.status == 206 ? offset : 0;
    return true;
  };
  const auto read = [&](const char* data, std::size_t size) {
    if (head.status != 200 && head.status != 206) {
      if (head.body.size() < kRefusalMaxBytes) head.body.append(data, size);
      return true;
    }
    taken = take(at, {reinterpret_cast<const std::uint8_t*>(data), size});
    at += size;
    return taken.ok();
  };
  auto result = connection_->http.Get(path, headers, begin, read);
  if (!taken.ok()) return taken;
  TRY(connection_->answered(std::move(result)));
  if (head.status != 200 && head.status != 206) return error_of(head, path);
  return {};
}

}  // namespace pirouette::ctl
