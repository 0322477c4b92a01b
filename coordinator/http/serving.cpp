// The wall before cpp-httplib: its types on one side, Request and Answer on the other. Every path
// goes through one dispatch() here, which finds the route, turns errors and exceptions into problem
// documents, and counts.

#include "coordinator/http/serving.h"

#include <httplib.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <exception>

#include "common/log.h"
#include "coordinator/http/limits.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/request_stream.h"
#include "coordinator/http/site.h"
#include "coordinator/http/stream_text.h"

namespace pirouette::http {
namespace {

using Clock = std::chrono::steady_clock;

// The page runs only its own scripts and nobody may frame it. Styles: the charts set them inline.
constexpr const char* kContentPolicy =
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

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
    TRY(stream(limit, [&](std::span<const std::uint8_t> piece) -> Result<void> {
      bytes.append(piece.begin(), piece.end());
      return {};
    }));
    return bytes;
  }

  Result<void> stream(std::uint64_t limit, const Request::TakePiece& take_piece) {
    if (!reader_ || read_) return {};
    read_ = true;
    std::uint64_t came = 0;
    Result<void> taken;
    const auto take = [&](const char* data, std::size_t size) {
      too_large_ = too_large_ || size > limit - came;
      if (too_large_) return true;
      came += size;
      if (taken.ok()) taken = take_piece({reinterpret_cast<const std::uint8_t*>(data), size});
      return true;
    };
    const bool whole =
        request_.is_multipart_form_data()
            ? (*reader_)([](const httplib::MultipartFormData&) { return true; }, take)
            : (*reader_)(take);
    broken_off_ = !whole;
    if (!whole) return Error{Errc::invalid, "the body broke off or cannot be read; send it again"};
    if (too_large_) {
      return Error{Errc::invalid, "the body is larger than the " + std::to_string(limit) +
                                      " bytes that may be sent here"};
    }
    return taken;
  }

  // Its size is nobody's concern then.
  void drain() {
    const bool was_too_large = too_large_;
    static_cast<void>(read(0));
    too_large_ = was_too_large;
  }
  bool too_large() const { return too_large_; }
  bool broken_off() const { return broken_off_; }

 private:
  const httplib::Request& request_;
  const httplib::ContentReader* reader_;  // null: no body
  bool read_ = false, too_large_ = false, broken_off_ = false;
};

Request make_request(const httplib::Request& from, Body& body) {
  Request request;
  request.method = from.method;
  request.path = from.path;
  request.query = {from.params.begin(), from.params.end()};
  for (const auto& [name, value] : from.headers) request.headers[lower_case(name)] = value;
  request.read_body = [&body](std::size_t limit) { return body.read(limit); };
  request.stream_body = [&body](std::uint64_t limit, const Request::TakePiece& take) {
    return body.stream(limit, take);
  };
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

// httplib writes the head; what comes after is sent by the connection, which can wait.
bool leave_body_to_connection(std::size_t, std::size_t, httplib::DataSink&) { return false; }

void write_answer(const Answer& answer, httplib::Response& response) {
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  if (!response.has_header("Cache-Control")) response.set_header("Cache-Control", "no-store");
  response.set_header("Content-Security-Policy", kContentPolicy);
  response.set_header("X-Content-Type-Options", "nosniff");
  response.set_header("Referrer-Policy", "no-referrer");
  response.set_header("Cross-Origin-Resource-Policy", "same-origin");

  if (answer.stream || answer.follow) {
    response.set_chunked_content_provider(answer.type,
                                          [](std::size_t, httplib::DataSink&) { return false; });
  } else if (answer.read && answer.read_bytes > 0) {
    response.set_content_provider(answer.read_bytes, answer.type, leave_body_to_connection);
  } else if (!answer.type.empty()) {
    response.set_content(answer.body, answer.type);
  }
}

// Before httplib looks at the path with a regular expression, or reads a body on its own.
httplib::Server::HandlerResponse refuse_early(const httplib::Request& request,
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
  return httplib::Server::HandlerResponse::Unhandled;
}

Answer answer_exception(const std::string& path, const std::exception_ptr& thrown) {
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

Pieces pieces_of_file(Answer&& answer) {
  return [read = std::move(answer.read), all = answer.read_bytes, at = std::uint64_t{0}]() mutable {
    const auto bytes = read(at, std::min<std::uint64_t>(kPieceBytes, all - at));
    if (!bytes.ok() || bytes.value().empty()) return Piece{.broken = true};
    at += bytes.value().size();
    return Piece{.bytes = {bytes.value().begin(), bytes.value().end()}, .last = at >= all};
  };
}

Pieces pieces_of_stream(Stream&& stream) {
  return [stream = std::move(stream)] {
    std::string written;
    const bool goes_on = stream({[&](std::string_view text) {
                                   written += text;
                                   return true;
                                 },
                                 [] { return true; }});
    std::string chunks = written.empty() ? "" : as_chunk(written);
    if (!goes_on) chunks += kLastChunk;
    return Piece{.bytes = std::move(chunks), .last = !goes_on};
  };
}

}  // namespace

class Serving::Impl : public httplib::Server {
 public:
  Impl(Site& site, const Router& router) : site_(site), router_(router) {
    set_keep_alive_max_count(kRequestsPerConnection);
    set_keep_alive_timeout(
        std::chrono::duration_cast<std::chrono::seconds>(site.config.patience.idle).count());
    set_pre_routing_handler(refuse_early);
    const auto without_body = [this](const httplib::Request& request, httplib::Response& response) {
      dispatch(request, response, nullptr);
    };
    const auto with_body = [this](const httplib::Request& request, httplib::Response& response,
                                  const httplib::ContentReader& reader) {
      dispatch(request, response, &reader);
    };
    constexpr const char* kAnyPath = "/.*";
    Get(kAnyPath, without_body).Options(kAnyPath, without_body);
    Post(kAnyPath, with_body).Put(kAnyPath, with_body);
    Patch(kAnyPath, with_body).Delete(kAnyPath, with_body);
    // What httplib refuses by itself: broken requests, before any of ours sees them.
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty() && response.status >= 400) {
        write_answer(problem(response.status, "this is no request that can be understood"),
                     response);
      }
    });
    set_exception_handler([](const httplib::Request& request, httplib::Response& response,
                             std::exception_ptr thrown) {
      write_answer(answer_exception(request.path, thrown), response);
    });
  }

  Reply serve(RequestStream& stream, bool last) {
    stream_ = &stream;
    reply_ = Reply{};
    body_read_ = false;
    bool said_close = false;
    const bool served = process_request(stream, last, said_close, [this](httplib::Request& r) {
      // httplib 0.11 serves ranges beyond the end and any number of them at once; ranges.h does it
      // instead.
      r.ranges.clear();
      request_ = &r;
    });
    reply_.bytes = std::move(stream.answer());
    const bool goes_on = reply_.rest || reply_.follow;
    reply_.unread = stream.is_upload() && !(body_read_ && stream.all_read());
    reply_.close = last || said_close || reply_.unread || (!served && !goes_on);
    if (stream.is_upload() && !reply_.unread) reply_.left_over = stream.left_over();
    return std::move(reply_);
  }

 private:
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
    body_read_ = reader && !body.broken_off();
    if (body.too_large() && match.route) {
      answer = problem(413, "the body is larger than what may be sent here");
    }
    if (stream_->too_slow()) {
      const std::string why = "an upload came with less than " +
                              std::to_string(kUploadBytesPerSecondMin) + " bytes a second";
      site_.traffic.refuse(Refusal::slow, why);
      answer = problem(408, why);
    }
    if (answer.status >= 500) {
      log::warn("http", request.method + " " + request.path + ": " + std::to_string(answer.status) +
                            " " + answer.body);
    }
    site_.metrics.count_request(request.method, route, answer.status, Clock::now() - began);
    // httplib would say of what the connection sends that it is compressed.
    if (answer.stream || answer.follow) request_->headers.erase("Accept-Encoding");
    write_answer(answer, to);
    if (request.method == "HEAD") return;
    if (answer.follow) {
      reply_.follow = std::move(answer.follow);
    } else if (answer.stream) {
      reply_.rest = pieces_of_stream(std::move(answer.stream));
    } else if (answer.read && answer.read_bytes > 0) {
      reply_.rest = pieces_of_file(std::move(answer));
    }
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

  Site& site_;
  const Router& router_;
  // Of the request at hand.
  RequestStream* stream_ = nullptr;
  httplib::Request* request_ = nullptr;
  Reply reply_;
  bool body_read_ = false;
};

Serving::Serving(Site& site, const Router& router) : impl_(std::make_unique<Impl>(site, router)) {}
Serving::~Serving() = default;

Reply Serving::serve(RequestStream& stream, bool last) { return impl_->serve(stream, last); }

}  // namespace pirouette::http
