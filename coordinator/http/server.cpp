// The wall before cpp-httplib: its sockets and types on one side, Request and Answer on the other.
// Every path goes through one dispatch() here, which finds the route, turns errors and exceptions
// into problem documents, counts, and leaves no unread body behind on a connection.

#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <filesystem>
#include <thread>

#include "common/log.h"
#include "coordinator/http/http.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/site.h"
#include "coordinator/store/read_model.h"

namespace pirouette::http {
namespace {

using Clock = std::chrono::steady_clock;

// Pictures are sent in pieces of this size: a whole one never stands in memory.
constexpr std::size_t kPieceBytes = 256u << 10;
// Connections the kernel holds until we accept them; httplib's own 5 makes the sixth tab wait a
// second.
constexpr int kBacklog = 128;

// The page runs only its own scripts and nobody may frame it. Styles: the charts set them inline.
constexpr const char* kContentPolicy =
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

class Server : public httplib::Server {
 public:
  void deepen_backlog() { ::listen(svr_sock_, kBacklog); }
};

// httplib asks for its own kind of queue and deletes it.
class Queue : public httplib::TaskQueue {
 public:
  explicit Queue(ConnectionThreads& threads) : threads_(threads) {}
  void enqueue(std::function<void()> connection) override {
    threads_.enqueue(std::move(connection));
  }
  void shutdown() override { threads_.stop(); }

 private:
  ConnectionThreads& threads_;
};

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// A request's body: read once by whoever wants it, and in any case read to its end, or the rest of
// it would be taken for the connection's next request.
class Body {
 public:
  Body(const httplib::Request& request, const httplib::ContentReader* reader)
      : request_(request), reader_(reader) {}

  Result<std::string> read(std::size_t limit) {
    std::string bytes;
    if (!reader_ || read_) return bytes;
    read_ = true;
    const auto take = [&](const char* data, std::size_t size) {
      too_large_ = too_large_ || size > limit - bytes.size();
      if (!too_large_) bytes.append(data, size);
      return true;
    };
    const bool whole =
        request_.is_multipart_form_data()
            ? (*reader_)([](const httplib::MultipartFormData&) { return true; }, take)
            : (*reader_)(take);
    if (!whole) return Error{Errc::invalid, "the body broke off or cannot be read; send it again"};
    if (too_large_) {
      return Error{Errc::invalid, "the body is larger than the " + std::to_string(limit) +
                                      " bytes that may be sent here"};
    }
    return bytes;
  }

  // Its size is nobody's concern then.
  void drain() {
    const bool was_too_large = too_large_;
    static_cast<void>(read(0));
    too_large_ = was_too_large;
  }
  bool too_large() const { return too_large_; }

 private:
  const httplib::Request& request_;
  const httplib::ContentReader* reader_;  // null: no body
  bool read_ = false, too_large_ = false;
};

Request make_request(const httplib::Request& from, Body& body) {
  Request request;
  request.method = from.method;
  request.path = from.path;
  request.query = {from.params.begin(), from.params.end()};
  for (const auto& [name, value] : from.headers) request.headers[lower_case(name)] = value;
  request.read_body = [&body](std::size_t limit) { return body.read(limit); };
  return request;
}

// A page of another site may make a browser send requests here, but not read the answers: so what
// changes something must come from our own page, or from no page at all.
bool from_foreign_page(const Request& request) {
  const std::string_view origin = request.header("origin");
  if (request.method == "GET" || request.method == "HEAD" || origin.empty()) return false;
  const std::size_t scheme_end = origin.find("://");
  return scheme_end == std::string_view::npos ||
         origin.substr(scheme_end + 3) != request.header("host");
}

void write_answer(Answer&& answer, httplib::Response& response) {
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  if (!response.has_header("Cache-Control")) response.set_header("Cache-Control", "no-store");
  response.set_header("Content-Security-Policy", kContentPolicy);
  response.set_header("X-Content-Type-Options", "nosniff");
  response.set_header("Referrer-Policy", "no-referrer");
  response.set_header("Cross-Origin-Resource-Policy", "same-origin");

  if (answer.stream) {
    response.set_chunked_content_provider(answer.type, [stream = std::move(answer.stream)](
                                                           std::size_t, httplib::DataSink& sink) {
      return stream({[&](std::string_view text) { return sink.write(text.data(), text.size()); },
                     [&] { return sink.is_writable(); }});
    });
  } else if (answer.read && answer.read_bytes > 0) {
    response.set_content_provider(
        answer.read_bytes, answer.type,
        [read = std::move(answer.read)](std::size_t offset, std::size_t length,
                                        httplib::DataSink& sink) {
          const auto piece = read(offset, std::min(length, kPieceBytes));
          if (!piece.ok() || piece.value().empty()) return false;
          return sink.write(reinterpret_cast<const char*>(piece.value().data()),
                            piece.value().size());
        });
  } else if (!answer.type.empty()) {
    response.set_content(answer.body, answer.type);
  }
}

}  // namespace

class Http::Impl {
 public:
  Impl(Config config, std::function<void(core::Event)> post)
      : site_(std::move(config), std::move(post)) {
    add_all(router_, site_);
    set_up_server();
  }
  ~Impl() { stop(); }

  Result<void> listen() {
    const Config& config = site_.config;
    port_ = config.port;
    const bool bound = config.port == 0 ? (port_ = server_.bind_to_any_port(config.host)) > 0
                                        : server_.bind_to_port(config.host, config.port);
    if (!bound) {
      return Error{Errc::io, "cannot listen on " + config.host + ":" + std::to_string(config.port) +
                                 "; is another program using that port, and is the address one of "
                                 "this machine's?"};
    }
    server_.deepen_backlog();
    const EventId last = TRY(site_.read().last_event());
    site_.pulse.published(last);
    accepting_ = std::thread([this] { server_.listen_after_bind(); });
    // httplib's stop() does nothing before its loop runs.
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {};
  }

  void stop() {
    if (!accepting_.joinable()) return;
    site_.pulse.stop();
    site_.waiting.stop();
    server_.stop();
    accepting_.join();
  }

  Site site_;
  int port_ = 0;

 private:
  void set_up_server() {
    server_.new_task_queue = [this] { return new Queue(site_.connections); };
    server_.set_keep_alive_max_count(kRequestsPerConnection);
    server_.set_keep_alive_timeout(kIdleMax.count());
    server_.set_read_timeout(kReadMax);
    server_.set_write_timeout(kWriteMax);
    server_.set_tcp_nodelay(true);
    // Not httplib's SO_REUSEPORT: with it a second coordinator would share the port in silence.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server_.set_pre_routing_handler(
        [](const httplib::Request& request, httplib::Response& response) {
          return refuse_early(request, response);
        });
    const auto without_body = [this](const httplib::Request& request, httplib::Response& response) {
      dispatch(request, response, nullptr);
    };
    const auto with_body = [this](const httplib::Request& request, httplib::Response& response,
                                  const httplib::ContentReader& reader) {
      dispatch(request, response, &reader);
    };
    constexpr const char* kAnyPath = "/.*";
    server_.Get(kAnyPath, without_body).Options(kAnyPath, without_body);
    server_.Post(kAnyPath, with_body).Put(kAnyPath, with_body);
    server_.Patch(kAnyPath, with_body).Delete(kAnyPath, with_body);
    // What httplib refuses by itself: broken requests, before any of ours sees them.
    server_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty() && response.status >= 400) {
        write_answer(problem(response.status, "this is no request that can be understood"),
                     response);
      }
    });
    server_.set_exception_handler([](const httplib::Request& request, httplib::Response& response,
                                     std::exception_ptr thrown) {
      write_answer(answer_exception(request.path, thrown), response);
    });
  }

  // Before httplib looks at the path with a regular expression, or reads a body on its own.
  static httplib::Server::HandlerResponse refuse_early(const httplib::Request& request,
                                                       httplib::Response& response) {
    static constexpr std::string_view kMethods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                                    "PATCH", "DELETE", "OPTIONS"};
    if (request.path.size() > kPathMaxBytes) {
      write_answer(
          problem(414, "no path here is longer than " + std::to_string(kPathMaxBytes) + " bytes"),
          response);
      return httplib::Server::HandlerResponse::Handled;
    }
    if (std::ranges::find(kMethods, request.method) == std::end(kMethods)) {
      write_answer(problem(405, "there is no method " + request.method + " here"), response);
      return httplib::Server::HandlerResponse::Handled;
    }
    // httplib 0.11 serves ranges beyond the end and any number of them at once. ranges.h does it
    // instead, so httplib must not; the request is its own local variable, and not const there.
    const_cast<httplib::Request&>(request).ranges.clear();
    return httplib::Server::HandlerResponse::Unhandled;
  }

  static Answer answer_exception(const std::string& path, const std::exception_ptr& thrown) {
    std::string what = "unknown exception";
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      what = error.what();
    } catch (...) {
      what = "an exception that says nothing";
    }
    log::error("http", path + ": " + what);
    return problem(500, "the coordinator failed at this request; its log says more");
  }

  void dispatch(const httplib::Request& from, httplib::Response& to,
                const httplib::ContentReader* reader) {
    const Clock::time_point began = Clock::now();
    Body body(from, reader);
    Request request = make_request(from, body);
    Router::Match match = router_.find(request.method, request.path);
    request.parameters = std::move(match.parameters);
    const std::string_view route = match.route ? std::string_view(match.route->pattern) : "page";

    Answer answer;
    try {
      Result<Answer> made = serve(match, request);
      answer = made.ok() ? std::move(made).value() : problem(made.error());
    } catch (...) {
      answer = answer_exception(request.path, std::current_exception());
    }
    body.drain();
    if (body.too_large() && match.route) {
      answer = problem(413, "the body is larger than what may be sent here");
    }
    if (answer.status >= 500) {
      log::warn("http", request.method + " " + request.path + ": " + std::to_string(answer.status) +
                            " " + answer.body);
    }
    site_.metrics.count_request(request.method, route, answer.status, Clock::now() - began);
    write_answer(std::move(answer), to);
  }

  Result<Answer> serve(const Router::Match& match, const Request& request) {
    if (from_foreign_page(request)) {
      return problem(403, "this came from a page of another site (" +
                              std::string(request.header("origin")) + ")");
    }
    if (match.route) return match.route->serve(request);
    if (!match.allowed.empty() || (request.method != "GET" && request.method != "HEAD")) {
      Answer answer = problem(405, request.path + " does not know " + request.method);
      answer.headers.emplace_back("Allow", match.allowed.empty() ? "GET" : match.allowed);
      return answer;
    }
    return serve_page(request);
  }

  Router router_;
  Server server_;
  std::thread accepting_;
};

Http::Http(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Http::~Http() = default;

Result<std::unique_ptr<Http>> Http::start(Config config, std::function<void(core::Event)> post) {
  std::error_code failed;
  std::filesystem::create_directories(config.thumbnails, failed);
  if (failed) {
    return Error{Errc::io,
                 "cannot make the folder " + config.thumbnails.string() + ": " + failed.message()};
  }
  auto impl = std::make_unique<Impl>(std::move(config), std::move(post));
  TRY(impl->listen());
  return std::unique_ptr<Http>(new Http(std::move(impl)));
}

int Http::port() const { return impl_->port_; }
void Http::answer(core::Reply&& reply) { impl_->site_.waiting.answer(std::move(reply)); }
void Http::published(EventId last) { impl_->site_.pulse.published(last); }
void Http::progressed(std::vector<core::Progress>&& progress) {
  impl_->site_.pulse.progressed(std::move(progress));
}
void Http::stop() { impl_->stop(); }

}  // namespace pirouette::http
