// Event streams: where they begin, how they go on, how many there may be.

#include <thread>

#include "coordinator/http/limits.h"
#include "tests/support/peer.h"
#include "tests/unit/http/small_farm.h"

namespace pirouette::http {
namespace {

using std::chrono::milliseconds;
using testing_support::Peer;

// Reads a stream on a thread of its own until enough() or the end of patience.
class Reader {
 public:
  Reader(int port, const std::string& path, httplib::Headers headers = {})
      : client_("127.0.0.1", port) {
    client_.set_read_timeout(5);
    thread_ = std::thread([this, path, headers = std::move(headers)] {
      const auto answer = client_.Get(
          path, headers,
          [this](const httplib::Response& response) {
            status_ = response.status;
            return response.status == 200;
          },
          [this](const char* bytes, std::size_t size) {
            const std::lock_guard lock(mutex_);
            text_.append(bytes, size);
            return !stop_;
          });
    });
  }
  ~Reader() { close(); }

  void close() {
    stop_ = true;
    client_.stop();
    if (thread_.joinable()) thread_.join();
  }

  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  int status() const { return status_; }

  bool wait_for(const std::string& words) {
    for (int i = 0; i < 500; ++i) {
      if (text().find(words) != std::string::npos) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
  }

 private:
  httplib::Client client_;
  std::mutex mutex_;
  std::string text_;
  std::atomic<int> status_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

using Events = SmallFarm;

TEST_F(Events, ANewReaderIsGreetedAndThenHearsWhatHappens) {
  join_worker("before");
  Reader reader(http_->port(), "/api/v1/events");
  ASSERT_TRUE(reader.wait_for("event: hello\n"));
  EXPECT_NE(reader.text().find("\"last_event\":1"), std::string::npos) << reader.text();
  submit({"knight"});
  ASSERT_TRUE(reader.wait_for("batch.submitted"));
  EXPECT_NE(reader.text().find("id: 2\nevent: ledger\ndata: {\"id\":2,"), std::string::npos)
      << reader.text();
  EXPECT_EQ(reader.text().find("worker.joined"), std::string::npos);
}

TEST_F(Events, AReaderThatComesBackMissesNothing) {
  submit({"knight"});
  submit({"witch"});
  Reader reader(http_->port(), "/api/v1/events?after=0", {{"Last-Event-ID", "1"}});
  ASSERT_TRUE(reader.wait_for("id: 2\n"));
  EXPECT_EQ(reader.text().find("id: 1\n"), std::string::npos);
  EXPECT_EQ(reader.text().find("hello"), std::string::npos);
}

TEST_F(Events, ProgressHasNoNumberAndIsTheNewest) {
  submit({"knight"});
  join_worker("gpu-1");
  Reader reader(http_->port(), "/api/v1/events");
  ASSERT_TRUE(reader.wait_for("hello"));
  for (std::uint32_t step = 1; step <= 20; ++step) {
    post(core::LeaseProgressed{kLink, assigned_[0].lease, step, 20});
  }
  ASSERT_TRUE(reader.wait_for("\"step\":20,"));
  const std::string text = reader.text();
  std::size_t told = 0;
  for (auto at = text.find("event: progress"); at != text.npos;
       at = text.find("event: progress", at + 1)) {
    ++told;
  }
  EXPECT_LT(told, 10u) << text;
  EXPECT_EQ(text.find("id: ", text.find("event: progress")), std::string::npos);
}

TEST_F(Events, WhoIsFarBehindFetchesAgain) {
  append_rows(kStreamBehindMax + 5);
  Reader behind(http_->port(), "/api/v1/events?after=1");
  ASSERT_TRUE(behind.wait_for("event: resync"));
  EXPECT_EQ(behind.text().find("event: ledger"), std::string::npos);
  Reader near(http_->port(), "/api/v1/events?after=6");
  ASSERT_TRUE(near.wait_for("id: " + std::to_string(kStreamBehindMax + 5) + "\n"));
  EXPECT_EQ(near.text().find("resync"), std::string::npos);
  Reader ahead(http_->port(), "/api/v1/events?after=999999");
  ASSERT_TRUE(ahead.wait_for("event: resync"));
}

TEST_F(Events, ANumberThatIsNoneIsRefused) {
  EXPECT_EQ(get("/api/v1/events?after=x").status, 400);
  EXPECT_EQ(get("/api/v1/events", {{"Last-Event-ID", "-1"}}).status, 400);
}

TEST_F(Events, FullStreamsRefuseOneMoreAndLeaveRequestsAlone) {
  std::vector<Peer> viewers;
  for (std::size_t i = 0; i < kStreamsMax; ++i) {
    viewers.emplace_back(http_->port());
    viewers.back().send("GET /api/v1/events HTTP/1.1\r\n\r\n");
    ASSERT_EQ(viewers.back().read_answer().status, 200) << i;
  }
  const httplib::Response refused = get("/api/v1/events");
  EXPECT_EQ(refused.status, 503);
  EXPECT_FALSE(refused.get_header_value("Retry-After").empty());
  EXPECT_EQ(metric("pirouette_http_streams"), kStreamsMax);
  EXPECT_EQ(metric("pirouette_http_refused_total{limit=\"streams\"}"), 1u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Peer(http_->port()).get("/api/v1/health").status, 200);
  // A closed page gives its place back.
  viewers.pop_back();
  EXPECT_TRUE(wait([&] { return metric("pirouette_http_streams") < kStreamsMax; }));
  Peer late(http_->port());
  late.send("GET /api/v1/events HTTP/1.1\r\n\r\n");
  EXPECT_EQ(late.read_answer().status, 200);
}

TEST_F(Events, RowsAreReadOnceForAllViewers) {
  append_rows(3);
  std::vector<Peer> viewers;
  for (int i = 0; i < 20; ++i) {
    viewers.emplace_back(http_->port());
    viewers.back().send("GET /api/v1/events?after=" + std::to_string(i % 3) + " HTTP/1.1\r\n\r\n");
    EXPECT_EQ(viewers.back().read_answer().status, 200);
  }
  append_rows(50);
  for (Peer& viewer : viewers) {
    std::string text;
    while (text.find("id: 53\n") == text.npos) {
      const std::string more = viewer.read_some();
      ASSERT_FALSE(more.empty()) << text;
      text += more;
    }
  }
  EXPECT_EQ(metric("pirouette_http_stream_rows_read_total"), 53u);
}

TEST_F(Events, AViewerThatNeverReadsCostsNothingAndIsToldToFetchAgain) {
  Peer never(http_->port(), 32 << 10);
  never.send("GET /api/v1/events HTTP/1.1\r\n\r\n");
  Reader reader(http_->port(), "/api/v1/events");
  ASSERT_TRUE(reader.wait_for("hello"));
  ASSERT_TRUE(wait([&] { return metric("pirouette_http_streams") == 2u; }));
  const std::string detail(2000, 'x');
  for (int i = 0; i < 10; ++i) {
    append_rows(kStreamBehindMax / 4, detail);
    ASSERT_TRUE(reader.wait_for("id: " + std::to_string(newest_.value) + "\n")) << i;
  }
  const std::string text = reader.text();
  EXPECT_EQ(text.find("resync"), text.npos);
  std::size_t at = 0;
  for (std::uint64_t row = 1; row <= newest_.value; ++row) {
    at = text.find("id: " + std::to_string(row) + "\n", at);
    ASSERT_NE(at, text.npos) << row << " is missing or not in its place";
  }
  // Of the 5 MB that were published for it, what waits is one piece and the sockets' buffers.
  std::string late;
  while (late.find("event: resync") == late.npos) {
    const std::string more = never.read_some();
    ASSERT_FALSE(more.empty());
    late += more;
  }
  EXPECT_LT(late.size(), 1u << 20);
  EXPECT_EQ(metric("pirouette_http_streams_told_again_total"), 1u);
}

TEST_F(Events, StoppingEndsStreams) {
  Reader reader(http_->port(), "/api/v1/events");
  ASSERT_TRUE(reader.wait_for("hello"));
  const auto began = std::chrono::steady_clock::now();
  http_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(4));
}

}  // namespace
}  // namespace pirouette::http
