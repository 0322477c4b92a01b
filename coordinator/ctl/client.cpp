#include "coordinator/ctl/client.h"

#include <httplib.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

constexpr std::string_view kPrefix = "/api/v1";
constexpr std::chrono::seconds kConnectMax{5};
// Longer than the server lets a request wait for its loop (30 s), so that its own answer arrives.
constexpr std::chrono::seconds kReadMax{40}, kWriteMax{40};
constexpr std::chrono::seconds kBusyWait{1};
constexpr int kBusyTriesMax = 60;
constexpr std::string_view kPageSize = "500";
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

  std::string url;
  httplib::Client http;
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

Result<bool> Client::has_blob(const Digest& digest) {
  const std::string path = std::string(kPrefix) + "/blobs/" + to_hex(digest);
  const httplib::Response answer = TRY(connection_->answered(connection_->http.Head(path)));
  if (answer.status == 404) return false;
  if (answer.status != 200) return error_of(answer, path);
  return true;
}

Result<Digest> Client::send_reference(std::span<const std::uint8_t> picture) {
  const std::string path = std::string(kPrefix) + "/references";
  for (int tries = 1;; ++tries) {
    const httplib::Response answer = TRY(connection_->answered(
        connection_->http.Post(path, reinterpret_cast<const char*>(picture.data()), picture.size(),
                               "application/octet-stream")));
    if (answer.status == 200 || answer.status == 201) {
      return parse_digest(text_of(Json::parse(answer.body, nullptr, false), "digest"));
    }
    if (answer.status != 503 || tries == kBusyTriesMax) return error_of(answer, path);
    std::this_thread::sleep_for(kBusyWait);
  }
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
