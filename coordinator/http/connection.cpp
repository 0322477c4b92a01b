#include "coordinator/http/connection.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <cstring>

#include "coordinator/http/front_door.h"
#include "coordinator/http/limits.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/request_stream.h"
#include "coordinator/http/traffic.h"

namespace pirouette::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// The front door's own answers, to what nobody served.
std::string as_bytes(const Answer& problem) {
  std::string bytes = "HTTP/1.1 " + std::to_string(problem.status) + " " +
                      std::string(reason_phrase(problem.status)) + "\r\n";
  for (const auto& [name, value] : problem.headers) bytes += name + ": " + value + "\r\n";
  return bytes + "Content-Type: " + problem.type +
         "\r\nContent-Length: " + std::to_string(problem.body.size()) +
         "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"
         "\r\n" +
         problem.body;
}

}  // namespace

Connection::Connection(FrontDoor& door, std::uint64_t id, Socket&& socket)
    : door_(door), id_(id), socket_(std::move(socket)) {}

void Connection::start() {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  ++door_.traffic().idle;
  enter(Phase::idle, door_.patience().idle);
  wait_for_bytes();
}

void Connection::enter(Phase phase, std::optional<std::chrono::milliseconds> patience) {
  if (phase_ == Phase::idle && phase != Phase::idle) --door_.traffic().idle;
  if (phase_ != Phase::idle && phase == Phase::idle) ++door_.traffic().idle;
  phase_ = phase;
  deadline_ = patience ? Clock::now() + *patience : Clock::time_point::max();
}

void Connection::wait_for_bytes() {
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& error) {
    if (error) return self->close();
    self->receive();
  });
}

void Connection::receive() {
  // Who is told why it is refused may have been waited for.
  if (phase_ == Phase::closed || phase_ == Phase::serving || phase_ == Phase::sending) return;
  error_code error;
  const std::span<char> scratch = door_.scratch();
  const std::size_t got = socket_.read_some(asio::buffer(scratch.data(), scratch.size()), error);
  if (error == asio::error::would_block) return wait_for_bytes();
  if (error) return close();
  if (phase_ == Phase::goodbye) return wait_for_bytes();
  input_.append(scratch.data(), got);
  look_at_input();
}

void Connection::look_at_input() {
  if (phase_ == Phase::idle) {
    // Some clients end a body with an empty line too many.
    input_.erase(0, std::min(input_.find_first_not_of("\r\n"), input_.size()));
    if (input_.empty()) return wait_for_bytes();
    enter(Phase::head, door_.patience().head);
  }
  if (!head_) {
    HeadSearch search = find_head(input_);
    if (search.refused) {
      door_.traffic().refuse(Refusal::broken,
                             "a request could not be understood: " + search.refused->body);
      return refuse(std::move(*search.refused));
    }
    if (!search.head) return wait_for_bytes();
    head_ = search.head;
    if (head_->is_upload()) return serve_upload();
    enter(Phase::body, door_.patience().small_body);
  }
  const std::size_t bytes = head_->bytes + head_->body_bytes;
  if (input_.size() < bytes) return wait_for_bytes();
  serve_whole(bytes);
}

bool Connection::is_last() const {
  return requests_ >= kRequestsPerConnection || door_.is_stopping();
}

void Connection::serve_whole(std::size_t bytes) {
  std::string request = input_.substr(0, bytes);
  input_.erase(0, bytes);
  head_.reset();
  ++requests_;
  enter(Phase::serving, std::nullopt);
  RequestThreads::Task serve = [&door = door_, id = id_, last = is_last(),
                                request = std::move(request)](Serving& serving) {
    RequestStream stream(request);
    door.answered(id, serving.serve(stream, last));
  };
  if (door_.watch().try_take(serve) || door_.requests().try_add(std::move(serve))) return;
  const std::string why = std::to_string(kRequestsWaitingMax) +
                          " requests wait already, the most there may be; try again in a moment";
  door_.traffic().refuse(Refusal::requests, why);
  refuse(problem(503, why));
}

void Connection::serve_upload() {
  std::string begin =
      head_->chunked ? std::move(input_) : input_.substr(0, head_->bytes + head_->body_bytes);
  input_.erase(0, head_->chunked ? std::string::npos : begin.size());
  // The thread reads from a descriptor of its own: this connection may be closed meanwhile.
  const auto socket =
      std::make_shared<UploadSocket>(::fcntl(socket_.native_handle(), F_DUPFD_CLOEXEC, 0));
  const Head head = *std::exchange(head_, std::nullopt);
  ++requests_;
  enter(Phase::serving, std::nullopt);
  const bool added = socket->descriptor() >= 0 &&
                     door_.uploads().try_add([&door = door_, id = id_, last = is_last(), head,
                                              socket, begin = std::move(begin)](Serving& serving) {
                       RequestStream stream(begin, head, *socket, door.patience());
                       door.answered(id, serving.serve(stream, last));
                     });
  if (added) return;
  const std::string why = std::to_string(kUploadsMax) + " uploads are going on and " +
                          std::to_string(kUploadsWaitingMax) +
                          " wait, the most there may be; try again in a moment";
  door_.traffic().refuse(Refusal::uploads, why);
  refuse(problem(503, why));
}

void Connection::refuse(Answer&& problem) {
  output_ = as_bytes(problem);
  output_sent_ = 0;
  close_ = unread_ = true;
  send();
}

void Connection::answer(Reply&& reply) {
  if (phase_ == Phase::closed) return;
  output_ = std::move(reply.bytes);
  output_sent_ = 0;
  if (reply.rest) rest_ = std::make_shared<Pieces>(std::move(reply.rest));
  follow_ = std::move(reply.follow);
  input_ = std::move(reply.left_over) + input_;
  close_ = reply.close;
  unread_ = reply.unread;
  if (output_.empty()) return close();
  send();
}

void Connection::send_piece(Piece&& piece) {
  if (phase_ == Phase::closed) return;
  if (piece.broken) return close();  // fewer bytes than were promised: the peer sees it
  if (piece.last) rest_.reset();
  output_ = std::move(piece.bytes);
  output_sent_ = 0;
  send();
}

void Connection::send() {
  enter(Phase::sending, door_.patience().write);
  error_code error;
  while (output_sent_ < output_.size()) {
    const std::size_t sent = socket_.write_some(
        asio::buffer(output_.data() + output_sent_, output_.size() - output_sent_), error);
    output_sent_ += sent;
    if (error == asio::error::would_block) {
      socket_.async_wait(Socket::wait_write, [self = shared_from_this()](const error_code& failed) {
        if (failed) return self->close();
        if (self->phase_ == Phase::sending) self->send();
      });
      return;
    }
    if (error) return close();
  }
  sent_all();
}

void Connection::sent_all() {
  output_ = {};
  if (rest_) {
    enter(Phase::serving, std::nullopt);
    const bool added = door_.requests().add_piece(
        [&door = door_, id = id_, rest = rest_](Serving&) { door.add_piece(id, (*rest)()); });
    if (!added) close();
    return;
  }
  if (follow_) return hand_to_hub();
  if (close_ || door_.is_stopping()) return say_goodbye();
  enter(Phase::idle, door_.patience().idle);
  look_at_input();
}

// A socket that is closed with bytes unread takes back what was sent last: so the peer gets a
// moment to read it.
void Connection::say_goodbye() {
  if (!unread_) return close();
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  enter(Phase::goodbye, door_.patience().goodbye);
  wait_for_bytes();
}

void Connection::hand_to_hub() {
  error_code error;
  const bool is_v6 = socket_.local_endpoint(error).protocol() == asio::ip::tcp::v6();
  const int descriptor = error ? -1 : socket_.release(error);
  if (!error) door_.to_hub(descriptor, is_v6, std::move(*follow_));
  follow_.reset();
  close();
}

void Connection::look_at_clock(Clock::time_point now) {
  if (now < deadline_) return;
  if (phase_ != Phase::head && phase_ != Phase::body) return close();
  const std::string why = phase_ == Phase::head ? "the request's head took too long to come"
                                                : "the request's body took too long to come";
  door_.traffic().refuse(Refusal::slow, why);
  refuse(problem(408, why));
}

void Connection::wind_up() {
  if (phase_ == Phase::serving) {
    ::shutdown(socket_.native_handle(), SHUT_RD);  // an upload ends where it is
  } else if (phase_ != Phase::sending) {
    close();
  }
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  enter(Phase::closed, std::nullopt);
  error_code ignored;
  socket_.close(ignored);
  follow_.reset();
  rest_.reset();
  door_.forget(id_);
}

}  // namespace pirouette::http
