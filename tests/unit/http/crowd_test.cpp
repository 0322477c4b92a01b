// Many peers at once: watching, idle, slow. None of them may cost a request more than 50 ms.

#include "tests/support/crowd.h"

#include <algorithm>
#include <thread>

#include "tests/unit/http/small_farm.h"

namespace pirouette::http {
namespace {

using std::chrono::milliseconds;
using testing_support::Crowd;
using testing_support::Peer;
using testing_support::PeerAnswer;
using testing_support::time_get;

constexpr double kAnswerMs = 50;

using Crowded = SmallFarm;

// While rows of the ledger flow.
TEST_F(Crowded, StreamsIdleSocketsAndSlowPeersHoldNoRequestUp) {
  submit({"knight"});
  const Crowd::Size size;
  auto crowd = std::make_unique<Crowd>(http_->port(), size);
  ASSERT_EQ(metric("pirouette_http_streams"), size.viewers);
  ASSERT_TRUE(wait([&] { return metric("pirouette_http_connections_idle") >= size.idle; }));

  std::atomic<bool> enough{false};
  std::thread life([&] {
    while (!enough) {
      append_rows(2);
      std::this_thread::sleep_for(milliseconds(10));
    }
  });
  std::vector<double> took;
  Peer kept(http_->port());
  for (int i = 0; i < 100; ++i) {
    took.push_back(time_get(http_->port(), i % 4 == 0 ? "/api/v1/batches" : "/api/v1/health"));
    took.push_back(time_get(http_->port(), "/api/v1/health", &kept));
    std::this_thread::sleep_for(milliseconds(5));
  }
  enough = true;
  life.join();
  std::ranges::sort(took);
  const double median = took[took.size() / 2], p95 = took[took.size() * 95 / 100];
  RecordProperty("median_ms", std::to_string(median));
  RecordProperty("p95_ms", std::to_string(p95));
  EXPECT_LE(median, kAnswerMs);
  EXPECT_LE(p95, kAnswerMs) << "median " << median << ", longest " << took.back();
  EXPECT_LT(took.back(), 1000) << "one was starved";

  EXPECT_TRUE(wait([&] { return crowd->viewers_with(newest_.value) == size.viewers; }))
      << crowd->viewers_with(newest_.value) << " have row " << newest_.value;
  EXPECT_EQ(crowd->viewers_wronged(), 0u) << "rows missed, doubled or in the wrong order";
  EXPECT_EQ(metric("pirouette_http_streams"), size.viewers);

  // It stops at once, with all of them connected.
  const auto began = std::chrono::steady_clock::now();
  http_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3));
}

// More of them than there are request threads.
TEST_F(Crowded, PeersThatDoNotReadTheirAnswerHoldNoThread) {
  const std::string bytes = picture(std::string(12 << 20, 'x'));
  const std::string path = "/api/v1/blobs/" + send_reference(bytes);
  std::vector<Peer> deaf;
  for (std::size_t i = 0; i < kHttpThreads + 6; ++i) {
    deaf.emplace_back(http_->port(), 64 << 10);
    deaf.back().send("GET " + path + " HTTP/1.1\r\n\r\n");
  }
  std::this_thread::sleep_for(milliseconds(100));
  std::vector<double> took;
  for (int i = 0; i < 30; ++i) took.push_back(time_get(http_->port(), "/api/v1/health"));
  std::ranges::sort(took);
  EXPECT_LE(took[took.size() / 2], kAnswerMs);
  EXPECT_LT(took.back(), 1000);
  EXPECT_EQ(deaf.back().read_answer().body, bytes) << "it may still read all of it";
  EXPECT_EQ(get(path).body, bytes);
}

// One more waits for its place, and gets it.
TEST_F(Crowded, UploadsHaveTheirOwnPlaces) {
  const std::string head =
      "POST /api/v1/references HTTP/1.1\r\nContent-Length: " + std::to_string(100'000) + "\r\n\r\n";
  const std::string body = picture(std::string(100'000 - picture("").size(), 'x'));
  std::vector<Peer> slow;
  for (std::size_t i = 0; i < kUploadsMax + kUploadsWaitingMax; ++i) {
    slow.emplace_back(http_->port());
    slow.back().send(head);
    // The places are taken before the others come to wait.
    if (i == kUploadsMax) {
      ASSERT_TRUE(wait([&] { return metric("pirouette_http_uploads_waiting") == 1u; }));
    }
  }
  ASSERT_TRUE(wait([&] { return metric("pirouette_http_uploads_waiting") == kUploadsWaitingMax; }));
  Peer one_more(http_->port());
  one_more.send(head);
  const auto refused = one_more.read_answer();
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_NE(refused.head.find("Retry-After"), std::string::npos);
  EXPECT_EQ(metric("pirouette_http_refused_total{limit=\"uploads\"}"), 1u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get("/api/v1/health").status, 200);

  slow[0].send(body);
  EXPECT_EQ(slow[0].read_answer().status, 201);
  slow[kUploadsMax].send(body);
  EXPECT_EQ(slow[kUploadsMax].read_answer().status, 200) << "the first that waited goes on";
}

TEST_F(Crowded, RequestsThatWaitForAThreadAreCounted) {
  answers_ = false;  // the loop is stuck
  std::vector<Peer> waiting;
  for (std::size_t i = 0; i < kHttpThreads + kRequestsWaitingMax; ++i) {
    waiting.emplace_back(http_->port());
    waiting.back().send("POST /api/v1/batches/1/cancel HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
  }
  PeerAnswer refused;
  ASSERT_TRUE(wait([&] {
    Peer one_more(http_->port());
    one_more.send("GET /api/v1/health HTTP/1.1\r\n\r\n");
    refused = one_more.read_answer(milliseconds(200));
    return refused.status != 0;
  }));
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.head.find("Retry-After"), std::string::npos);
  http_->stop();
  for (Peer& peer : waiting) EXPECT_EQ(peer.read_answer().status, 503);
}

TEST_F(Crowded, StoppingEndsUploads) {
  Peer peer(http_->port());
  peer.send("POST /api/v1/references HTTP/1.1\r\nContent-Length: 50000000\r\n\r\nabc");
  std::this_thread::sleep_for(milliseconds(50));
  const auto began = std::chrono::steady_clock::now();
  http_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
}

}  // namespace
}  // namespace pirouette::http
