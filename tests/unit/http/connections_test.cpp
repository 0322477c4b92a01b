// One connection: where its requests end, how long it may take, how it is refused and goes on.

#include <chrono>
#include <string>
#include <vector>

#include "coordinator/http/descriptors.h"
#include "coordinator/http/head.h"
#include "tests/support/peer.h"
#include "tests/unit/http/small_farm.h"

namespace pirouette::http {
namespace {

using std::chrono::milliseconds;
using testing_support::Peer;
using testing_support::PeerAnswer;

int refused(const std::string& bytes) {
  const HeadSearch search = find_head(bytes);
  return search.refused ? search.refused->status : 0;
}

TEST(Head, EndsAtTheEmptyLine) {
  const std::string head = "POST /a HTTP/1.1\r\nContent-LENGTH:  12 \r\nHost: b\r\n\r\n";
  for (std::size_t bytes = 0; bytes < head.size(); ++bytes) {
    const HeadSearch search = find_head(head.substr(0, bytes));
    EXPECT_FALSE(search.head || search.refused) << bytes;
  }
  const HeadSearch whole = find_head(head + "the next one");
  ASSERT_TRUE(whole.head);
  EXPECT_EQ(whole.head->bytes, head.size());
  EXPECT_EQ(whole.head->body_bytes, 12u);
  EXPECT_FALSE(whole.head->is_upload());
}

TEST(Head, SaysWhatIsAnUpload) {
  const auto upload = [](const std::string& header) {
    return find_head("POST / HTTP/1.1\r\n" + header + "\r\n\r\n").head->is_upload();
  };
  EXPECT_TRUE(upload("Transfer-Encoding: chunked"));
  EXPECT_TRUE(upload("Content-Length: 70000"));
  EXPECT_TRUE(upload("Expect: 100-continue\r\nContent-Length: 5"));
  EXPECT_FALSE(upload("Content-Length: 65536"));
}

TEST(Head, WhatIsUnclearIsRefused) {
  const auto with = [](const std::string& header) {
    return refused("POST / HTTP/1.1\r\n" + header + "\r\n\r\n");
  };
  EXPECT_EQ(with("Content-Length: 5\r\nContent-Length: 6"), 400);
  EXPECT_EQ(with("Content-Length: -5"), 400);
  EXPECT_EQ(with("Content-Length: 5\r\nTransfer-Encoding: chunked"), 400);
  EXPECT_EQ(with("Transfer-Encoding: gzip"), 400);
  EXPECT_EQ(with("Content-Length : 5"), 400);
  EXPECT_EQ(with("A: b\nContent-Length: 5"), 400);
  EXPECT_EQ(with(" folded: 5"), 400);
  EXPECT_EQ(with("Content-Length: 134217729"), 413);
  EXPECT_EQ(with("A: " + std::string(kHeadMaxBytes, 'a')), 431);
  EXPECT_EQ(refused("GET /" + std::string(kHeadMaxBytes, 'a')), 414);
}

TEST(Descriptors, SomeAreKept) {
  EXPECT_EQ(connections_allowed(4000, 20'000), 4000u);
  EXPECT_EQ(connections_allowed(4000, 1024), 512u);
  EXPECT_EQ(connections_allowed(4000, 256), 128u);
}

class Connections : public SmallFarm {
 protected:
  void SetUp() override {
    patience_.idle = patience_.head = patience_.small_body = milliseconds(300);
    patience_.slow_upload = milliseconds(300);
    connections_max_ = 8;
    SmallFarm::SetUp();
  }
  std::uint64_t refusals(const std::string& limit) {
    return metric("pirouette_http_refused_total{limit=\"" + limit + "\"}");
  }
};

void expect_refusal(const PeerAnswer& answer, int status, const std::string& words) {
  EXPECT_EQ(answer.status, status) << answer.head << answer.body;
  EXPECT_NE(answer.head.find("application/problem+json"), std::string::npos) << answer.head;
  EXPECT_NE(answer.body.find(words), std::string::npos) << answer.body;
}

TEST_F(Connections, AHeadThatTakesTooLongIsRefused) {
  Peer slow(http_->port());
  slow.send("GET /api/v1/hea");
  expect_refusal(slow.read_answer(), 408, "head took too long");
  EXPECT_TRUE(slow.is_closed_within(milliseconds(500)));
  EXPECT_EQ(refusals("slow"), 1u);
}

TEST_F(Connections, ASmallBodyThatTakesTooLongIsRefused) {
  Peer slow(http_->port());
  slow.send("POST /api/v1/references HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc");
  expect_refusal(slow.read_answer(), 408, "body took too long");
}

TEST_F(Connections, AnUploadThatIsTooSlowGivesItsPlaceBack) {
  std::vector<Peer> slow;
  for (std::size_t i = 0; i < kUploadsMax; ++i) {
    slow.emplace_back(http_->port());
    slow.back().send("POST /api/v1/references HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nabc");
  }
  const std::string bytes = picture(std::string(1 << 20, 'x'));
  EXPECT_EQ(post_to("/api/v1/references", bytes).status, 201) << "it waited for a place";
  for (Peer& peer : slow) expect_refusal(peer.read_answer(), 408, "bytes a second");
  EXPECT_EQ(refusals("slow"), kUploadsMax);
}

TEST_F(Connections, AnIdleOneIsClosedWithoutAWord) {
  Peer fresh(http_->port());
  Peer used(http_->port());
  EXPECT_EQ(used.get("/api/v1/health").status, 200);
  EXPECT_TRUE(fresh.is_closed_within(milliseconds(1500)));
  EXPECT_TRUE(used.is_closed_within(milliseconds(1500)));
}

TEST_F(Connections, WhoWasIdleLongestMakesRoom) {
  std::vector<Peer> idle;
  for (std::size_t i = 0; i < connections_max_ + 2; ++i) {
    idle.emplace_back(http_->port());
    EXPECT_EQ(idle.back().get("/api/v1/health").status, 200);
  }
  EXPECT_TRUE(idle[0].is_closed_within(milliseconds(200)));
  EXPECT_EQ(idle.back().get("/api/v1/health").status, 200);
}

TEST_F(Connections, WithoutRoomOneMoreIsToldSo) {
  std::vector<Peer> busy;
  for (std::size_t i = 0; i < connections_max_; ++i) {
    busy.emplace_back(http_->port());
    busy.back().send("GET /");
  }
  std::this_thread::sleep_for(milliseconds(50));
  Peer one_more(http_->port());
  const PeerAnswer answer = one_more.read_answer();
  expect_refusal(answer, 503, "8 connections are open");
  EXPECT_NE(answer.head.find("Retry-After: "), std::string::npos);
  busy.clear();
  EXPECT_TRUE(wait([&] { return Peer(http_->port()).get("/api/v1/health").status == 200; }));
  EXPECT_GE(refusals("connections"), 1u);
}

TEST_F(Connections, RequestsMayComeAllAtOnceAndInBits) {
  Peer peer(http_->port());
  const std::string one = "GET /api/v1/batches HTTP/1.1\r\nHost: a\r\n\r\n";
  peer.send("\r\n" + one + one + "GET /api/v1/");
  EXPECT_EQ(peer.read_answer().status, 200);
  EXPECT_EQ(peer.read_answer().status, 200);
  peer.send("health HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde" + one);
  EXPECT_NE(peer.read_answer().body.find("\"status\""), std::string::npos);
  EXPECT_NE(peer.read_answer().body.find("\"items\""), std::string::npos);
}

TEST_F(Connections, AChunkedUploadIsReadToItsEndAndNoFurther) {
  Peer peer(http_->port());
  const std::string bytes = picture("knight");
  std::string size(8, '\0');
  size.resize(
      static_cast<std::size_t>(std::snprintf(size.data(), size.size(), "%zx", bytes.size())));
  peer.send("POST /api/v1/references HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + size +
            "\r\n" + bytes + "\r\n0\r\n\r\nGET /api/v1/health HTTP/1.1\r\n\r\n");
  EXPECT_EQ(peer.read_answer().status, 201);
  EXPECT_EQ(peer.read_answer().status, 200);
}

TEST_F(Connections, WhoAsksBeforeItSendsIsToldToGoOn) {
  Peer peer(http_->port());
  const std::string bytes = picture("knight");
  peer.send("POST /api/v1/references HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: " +
            std::to_string(bytes.size()) + "\r\n\r\n");
  EXPECT_EQ(peer.read_answer().status, 100);
  peer.send(bytes);
  EXPECT_EQ(peer.read_answer().status, 201);
  EXPECT_EQ(peer.get("/api/v1/health").status, 200);
}

TEST_F(Connections, AnUploadThatBreaksOffIsNoRequest) {
  {
    Peer peer(http_->port());
    peer.send("POST /api/v1/references HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" +
              picture("half"));
  }
  EXPECT_TRUE(wait([&] {
    return get("/metrics").body.find("route=\"/api/v1/references\",status=\"400\"} 1\n") !=
           std::string::npos;
  }));
}

}  // namespace
}  // namespace pirouette::http
