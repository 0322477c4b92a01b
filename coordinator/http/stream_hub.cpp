#include "coordinator/http/stream_hub.h"

#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <map>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>  // before Asio: Debian's 1.74 forgets it
#include <vector>

#include "common/log.h"
#include "coordinator/http/ledger_window.h"
#include "coordinator/http/limits.h"
#include "coordinator/http/pulse.h"
#include "coordinator/http/stream_text.h"
#include "coordinator/http/traffic.h"
#include "coordinator/store/read_model.h"

namespace pirouette::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using Bytes = std::shared_ptr<const std::string>;

Bytes share_chunk(const std::string& text) {
  return std::make_shared<const std::string>(as_chunk(text));
}

struct Viewer {
  Viewer(tcp::socket&& taken, std::shared_ptr<void> held)
      : socket(std::move(taken)), place(std::move(held)) {}
  tcp::socket socket;
  std::shared_ptr<void> place;
  EventId cursor;
  std::uint64_t progress_seen = 0;
  bool greet = false;
  std::vector<Bytes> under_way;  // empty: ready for more
  Clock::time_point written_at = Clock::now();
};
using ViewerRef = std::shared_ptr<Viewer>;

}  // namespace

// Everything but wake(), take() and try_place() is the hub's thread's.
class StreamHub::Impl {
 public:
  Impl(std::shared_ptr<store::ReadModel> read, const Pulse& pulse, Traffic& traffic)
      : pulse_(pulse),
        traffic_(traffic),
        window_([read = std::move(read)](EventId after, std::size_t limit) {
          return read->events(after, limit);
        }) {}
  ~Impl() { stop(); }

  void start() {
    look_after_viewers();
    thread_ = std::thread([this] { io_.run(); });
  }

  void stop() {
    if (!thread_.joinable()) return;
    io_.stop();
    thread_.join();
    viewers_.clear();
  }

  std::shared_ptr<void> try_place() {
    if (++traffic_.streams > static_cast<std::int64_t>(kStreamsMax)) {
      --traffic_.streams;
      return nullptr;
    }
    return {this, [&streams = traffic_.streams](void*) { --streams; }};
  }

  void take(int socket, bool is_v6, Follow follow) {
    tcp::socket taken(io_);
    boost::system::error_code failed;
    taken.assign(is_v6 ? tcp::v6() : tcp::v4(), socket, failed);
    if (failed) {
      ::close(socket);
      return;
    }
    auto viewer = std::make_shared<Viewer>(std::move(taken), std::move(follow.place));
    asio::post(io_,
               [this, viewer = std::move(viewer), after = follow.after] { begin(viewer, after); });
  }

  void wake() {
    if (!woken_.exchange(true)) {
      asio::post(io_, [this] {
        if (!gathering_) tell_all();
      });
    }
  }

 private:
  void begin(const ViewerRef& viewer, std::optional<EventId> after) {
    boost::system::error_code ignored;
    viewer->socket.non_blocking(true, ignored);
    viewer->socket.set_option(asio::socket_base::send_buffer_size(kStreamSendBufferBytes), ignored);
    last_ = std::max(last_, pulse_.last());
    viewer->cursor = after.value_or(last_);
    viewer->greet = !after;
    viewer->progress_seen = pulse_.progress_number();  // what was before is in the lists
    viewers_.insert(viewer);
    watch_for_end(viewer);
    tell(viewer, Clock::now());
  }

  // A viewer has nothing to say: what comes is its end.
  void watch_for_end(const ViewerRef& viewer) {
    viewer->socket.async_wait(tcp::socket::wait_read,
                              [this, viewer](const boost::system::error_code&) { end(viewer); });
  }

  void end(const ViewerRef& viewer) {
    boost::system::error_code ignored;
    viewer->socket.close(ignored);
    viewer->place.reset();
    viewers_.erase(viewer);
  }

  void tell_all() {
    woken_ = false;
    last_ = std::max(last_, pulse_.last());
    const Clock::time_point now = Clock::now();
    progress_texts_.clear();
    const std::uint64_t newest = pulse_.progress_number();
    if (newest > progress_told_ && now >= progress_from_) {
      progress_told_ = newest;
      progress_from_ = now + kProgressEvery;
    }
    for_each_viewer([&](const ViewerRef& viewer) { tell(viewer, now); });
    if (newest > progress_told_) woken_ = true;  // too early for it: look again soon
    gathering_ = true;
    gather_timer_.expires_after(kStreamGather);
    gather_timer_.async_wait([this](const boost::system::error_code& error) {
      gathering_ = false;
      if (!error && woken_) tell_all();
    });
  }

  // What there is for this viewer, if it is ready for it.
  void tell(const ViewerRef& viewer, Clock::time_point now) {
    if (!viewer->under_way.empty() || !viewer->socket.is_open()) return;
    std::vector<Bytes> news;
    if (std::exchange(viewer->greet, false)) {
      news.push_back(share_chunk(hello_event(viewer->cursor)));
    }
    if (Bytes rows = rows_for(*viewer)) news.push_back(std::move(rows));
    if (viewer->progress_seen < progress_told_) {
      if (Bytes progress = progress_for(*viewer)) news.push_back(std::move(progress));
    }
    if (news.empty() && now - viewer->written_at >= kStreamHeartbeat) {
      news.push_back(share_chunk(": still here\n\n"));
    }
    if (!news.empty()) write(viewer, std::move(news), now);
  }

  Bytes rows_for(Viewer& viewer) {
    if (viewer.cursor == last_) return nullptr;
    // Far behind, or from another life of the database: sending every row would help nobody.
    const bool lost = viewer.cursor > last_ || last_.value - viewer.cursor.value > kStreamBehindMax;
    if (lost) return tell_to_fetch_again(viewer);
    const auto piece = window_.after(viewer.cursor, last_);
    traffic_.stream_rows_read = window_.rows_read();
    if (!piece.ok() || !piece.value().chunk) {
      log::warn("http", "cannot read the ledger after row " + std::to_string(viewer.cursor.value) +
                            (piece.ok() ? "" : ": " + piece.error().what));
      return tell_to_fetch_again(viewer);
    }
    viewer.cursor = piece.value().newest;
    return piece.value().chunk;
  }

  Bytes tell_to_fetch_again(Viewer& viewer) {
    ++traffic_.streams_told_again;
    viewer.cursor = last_;
    return share_chunk(resync_event(last_));
  }

  Bytes progress_for(Viewer& viewer) {
    const auto [place, is_new] = progress_texts_.try_emplace(viewer.progress_seen);
    if (is_new) {
      place->second.seen = viewer.progress_seen;
      std::string text;
      for (const core::Progress& one : pulse_.progress_after(place->second.seen)) {
        text += progress_event(one);
      }
      if (!text.empty()) place->second.chunk = share_chunk(text);
    }
    viewer.progress_seen = place->second.seen;
    return place->second.chunk;
  }

  void write(const ViewerRef& viewer, std::vector<Bytes> news, Clock::time_point now) {
    viewer->under_way = std::move(news);
    viewer->written_at = now;
    std::vector<asio::const_buffer> buffers;
    for (const Bytes& bytes : viewer->under_way) buffers.push_back(asio::buffer(*bytes));
    asio::async_write(viewer->socket, buffers,
                      [this, viewer](const boost::system::error_code& error, std::size_t) {
                        viewer->under_way.clear();
                        if (error) return end(viewer);
                        tell(viewer, Clock::now());  // it may have fallen behind
                      });
  }

  // Heartbeats, and the end of those who take nothing.
  void look_after_viewers() {
    look_timer_.expires_after(std::chrono::seconds(1));
    look_timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      const Clock::time_point now = Clock::now();
      for_each_viewer([&](const ViewerRef& viewer) {
        if (!viewer->under_way.empty() && now - viewer->written_at > kStreamStuckMax) {
          traffic_.refuse(Refusal::slow, "a viewer took nothing for " +
                                             std::to_string(kStreamStuckMax.count()) +
                                             " s; its stream was closed");
          return end(viewer);
        }
        tell(viewer, now);
      });
      look_after_viewers();
    });
  }

  // Any of them may end meanwhile.
  template <typename Do>
  void for_each_viewer(Do do_it) {
    const std::vector<ViewerRef> all(viewers_.begin(), viewers_.end());
    for (const ViewerRef& viewer : all) do_it(viewer);
  }

  struct ProgressText {
    Bytes chunk;
    std::uint64_t seen = 0;
  };

  const Pulse& pulse_;
  Traffic& traffic_;
  std::atomic<bool> woken_{false};

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  asio::steady_timer gather_timer_{io_}, look_timer_{io_};
  std::unordered_set<ViewerRef> viewers_;
  LedgerWindow window_;
  EventId last_;
  bool gathering_ = false;
  std::map<std::uint64_t, ProgressText> progress_texts_;  // by what was seen before
  std::uint64_t progress_told_ = 0;
  Clock::time_point progress_from_{};
  std::thread thread_;
};

StreamHub::StreamHub(std::shared_ptr<store::ReadModel> read, const Pulse& pulse, Traffic& traffic)
    : impl_(std::make_unique<Impl>(std::move(read), pulse, traffic)) {}
StreamHub::~StreamHub() = default;

std::shared_ptr<void> StreamHub::try_place() { return impl_->try_place(); }
void StreamHub::take(int socket, bool is_v6, Follow follow) {
  impl_->take(socket, is_v6, std::move(follow));
}
void StreamHub::wake() { impl_->wake(); }
void StreamHub::start() { impl_->start(); }
void StreamHub::stop() { impl_->stop(); }

}  // namespace pirouette::http
