#pragma once
// A farm for the conformance test's cases: one with something of everything in it, and the ways in
// which a farm can be in trouble. Each is a real server on loopback.

#include <SQLiteCpp/SQLiteCpp.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#include <fstream>
#include <thread>

#include "coordinator/http/limits.h"
#include "tests/unit/http/small_farm.h"

namespace pirouette::http {

class ConformanceFarm : public SmallFarm {
 public:
  explicit ConformanceFarm(std::chrono::milliseconds answer_max = std::chrono::seconds(30)) {
    answer_max_ = answer_max;
    SetUp();
  }
  ~ConformanceFarm() override {
    for (std::thread& thread : threads_) thread.join();
    for (const int fd : sockets_) ::close(fd);
    TearDown();
  }

  // Batch 1: the knight is ready, the witch has a view in work (job 3) and one that failed (job 4).
  // Batch 2 is cancelled. Worker 1 renders, worker 2 left.
  void furnish() {
    knight_ = send_reference(picture("knight"));
    submit({"knight", "witch"});
    join_worker("gpu-1", 2);
    post(core::WorkerWasHeard{kLink, R"({"model": "m", "loras": [], "models": [
        {"name": "flux1-kontext-dev", "variants": [[{"name": "own", "scale": 1}]]}]})"});
    post(core::Ticked{});
    finish_one();
    finish_one();
    assemble_one();
    post(core::LeaseProgressed{kLink, assigned_.front().lease, 3, 24});
    std::swap(assigned_[0], assigned_[1]);
    fail_one("the reference has no face");
    constexpr LinkId kOther{2};
    join_worker("gpu-2", 1, kOther);
    post(core::WorkerSaidGoodbye{kOther});
    submit({"dragon"});
    post_to("/api/v1/batches/2/cancel");
    put_lora("1", lora_file());
  }

  const std::string& knight() const { return knight_; }  // the digest of its reference
  std::uint64_t submit_one(const std::string& character) { return submit({character}); }
  std::uint64_t first_sheet_of(std::uint64_t batch) {
    const json sheets = get_json("/api/v1/batches/" + std::to_string(batch) + "/sheets");
    return sheets["items"][0]["id"].get<std::uint64_t>();
  }
  json a_batch() {
    return {{"name", "night"},
            {"sheets", {{{"character", "ogre"}, {"reference", send_reference(picture("ogre"))}}}}};
  }

  // --- trouble ---

  void get_stuck() { answers_ = false; }
  // Once a request waits for the loop.
  void stop_when_asked() {
    threads_.emplace_back([this, before = posts_.load()] {
      while (posts_ == before) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      http_->stop();
    });
  }
  void lose_database() {
    SQLite::Database database(folder_ / "farm.db", SQLite::OPEN_READWRITE);
    for (const char* table :
         {"event", "lease", "job", "pose", "sheet", "batch", "worker", "lora"}) {
      database.exec(std::string("ALTER TABLE ") + table + " RENAME TO lost_" + table);
    }
  }
  // A file where the folder of these digests should be: neither there nor not there.
  void lose_blob_folder(const std::string& digest) {
    const auto folder = folder_ / "blobs" / digest.substr(0, 2);
    std::filesystem::remove_all(folder);
    std::ofstream(folder) << "no folder";
  }
  void take_every_upload() {
    reference_mutex_.lock();
    for (std::size_t i = 0; i < kUploadsMax; ++i) {
      threads_.emplace_back([this, i] {
        connect()->Post("/api/v1/references", picture(std::to_string(i)), "image/png");
      });
    }
    until_refused([](httplib::Client& client) {
      return client.Post("/api/v1/references", "no picture at all", "image/png");
    });
  }
  void free_uploads() { reference_mutex_.unlock(); }
  void take_every_stream() {
    for (std::size_t i = 0; i < kStreamsMax; ++i) {
      sockets_.push_back(open_stream());
      char first = 0;
      ASSERT_EQ(::recv(sockets_.back(), &first, 1, 0), 1);
    }
  }
  // A picture of a terabyte of nothing: whoever hashes it is busy until it is cut short.
  void take_every_verification() {
    std::filesystem::resize_file(huge(), std::uintmax_t{1} << 40);
    for (std::size_t i = 0; i < kVerificationsMax; ++i) {
      threads_.emplace_back([this] { connect()->Get("/api/v1/batches/1/verification"); });
    }
    until_refused(
        [](httplib::Client& client) { return client.Get("/api/v1/batches/1/verification"); });
  }
  void free_verifications() { std::filesystem::resize_file(huge(), 1); }

  const Blobs& blobs() const { return *blobs_; }
  std::unique_ptr<httplib::Client> connection() const {
    auto client = connect();
    client->set_keep_alive(true);
    client->set_read_timeout(60);  // a busy machine takes its time over 128 MiB
    client->set_write_timeout(60);
    return client;
  }

  using SmallFarm::kLink;
  using SmallFarm::kLoraMaxBytesHere;

 private:
  void TestBody() override {}

  std::filesystem::path huge() const { return blobs_->path(sha256(picture("knight"))); }
  // One that is not refused takes a place itself: it is left waiting, and the next one is.
  template <typename Ask>
  void until_refused(Ask ask) {
    for (int i = 0; i < 100; ++i) {
      auto client = connect();
      client->set_read_timeout(std::chrono::milliseconds(100));
      const auto answer = ask(*client);
      if (answer && answer->status == 503) return;
    }
    FAIL() << "it was never refused";
  }
  int open_stream() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(http_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const std::string request =
        "GET /api/v1/events HTTP/1.1\r\nHost: farm\r\nAccept: text/event-stream\r\n\r\n";
    EXPECT_EQ(::send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    return fd;
  }

  std::string knight_;
  std::vector<std::thread> threads_;
  std::vector<int> sockets_;
};

}  // namespace pirouette::http
