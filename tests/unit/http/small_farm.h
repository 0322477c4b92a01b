#pragma once
// A farm for the HTTP tests: the real core, store and server on loopback, without a loop thread (a
// post is stepped and committed on the spot) and without workers (tests say what they would).

#include <gtest/gtest.h>
#include <httplib.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/blobs.h"
#include "common/job/recipe.h"
#include "coordinator/core/core.h"
#include "coordinator/http/http.h"
#include "coordinator/http/limits.h"
#include "coordinator/store/read_model.h"
#include "coordinator/store/store.h"

namespace pirouette::http {

using nlohmann::json;

inline std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Begins as a PNG does, which is all that the tests' checks want.
inline std::string picture(const std::string& content) { return "\x89PNG\r\n\x1a\n" + content; }

// What begins as a JPEG does becomes a picture of the same content.
inline Result<Reference> take_reference(std::span<const std::uint8_t> bytes) {
  const std::string text(bytes.begin(), bytes.end());
  if (!text.starts_with("\x89PNG") && !text.starts_with("\xff\xd8")) {
    return Error{Errc::invalid, "unknown format"};
  }
  const std::string png = text[0] == '\xff' ? picture(text.substr(2)) : text;
  return Reference{{png.begin(), png.end()}, 64, 96, {}, {}};
}

// A LoRA of one tensor; content tells them apart.
inline std::string lora_file(const std::string& content = "weights") {
  const std::string header = R"({"transformer.x.lora_A.weight": {"dtype": "U8", "shape": [)" +
                             std::to_string(content.size()) + R"(], "data_offsets": [0, )" +
                             std::to_string(content.size()) + "]}}";
  std::string file(8, '\0');
  file[0] = static_cast<char>(header.size());
  return file + header + content;
}

class SmallFarm : public testing::Test {
 protected:
  static constexpr LinkId kLink{1};
  static constexpr std::uint64_t kLoraMaxBytesHere = 1u << 20;

  void SetUp() override {
    static int count = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("pirouette-http-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(folder_);
    store_ = store::Store::open(folder_ / "farm.db").value();
    core_ = std::make_unique<core::Core>(store_->load().value(), core::Policy{}, now_);
    Http::Config config{.port = 0,
                        .blobs = Blobs::open(folder_ / "blobs").value(),
                        .thumbnails = folder_ / "thumbnails",
                        .read = store::ReadModel::open(folder_ / "farm.db").value(),
                        .started_at = now_,
                        .patience = patience_,
                        .connections_max = connections_max_,
                        .answer_max = answer_max_,
                        .make_thumbnail =
                            [this](const auto&, int height_px) {
                              ++thumbnails_made_;
                              const std::string made = picture(std::to_string(height_px));
                              return Result(std::vector<std::uint8_t>(made.begin(), made.end()));
                            },
                        .references = folder_ / "references",
                        .as_reference =
                            [this](std::span<const std::uint8_t> bytes) {
                              ++references_made_;
                              const std::lock_guard held(reference_mutex_);
                              return take_reference(bytes);
                            },
                        .lora_max_bytes = kLoraMaxBytesHere};
    blobs_ = std::make_unique<Blobs>(config.blobs);
    auto started = Http::start(std::move(config), [this](core::Event event) { post(event); });
    ASSERT_TRUE(started.ok()) << started.error().what;
    http_ = std::move(started).value();
    client_ = connect();
  }

  void TearDown() override {
    client_.reset();
    if (http_) http_->stop();
    http_.reset();
    core_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<httplib::Client> connect() const {
    auto client = std::make_unique<httplib::Client>("127.0.0.1", http_->port());
    client->set_read_timeout(5);
    return client;
  }

  // As the loop does: step, commit, then let out.
  void post(const core::Event& event) {
    const std::lock_guard lock(mutex_);
    ++posts_;
    step(event);
  }
  void step(const core::Event& event) {
    now_ = now_ + milliseconds(10);
    core::Effects effects = core_->step(event, now_);
    ASSERT_TRUE(store_->commit(effects.writes).ok());
    for (const core::Write& write : effects.writes) {
      if (const auto* row = std::get_if<core::AppendEvent>(&write)) newest_ = row->row.id;
    }
    for (const core::Send& send : effects.sends) {
      if (const auto* assign = std::get_if<core::SendAssign>(&send)) assigned_.push_back(*assign);
    }
    for (core::AssembleSheet& task : effects.tasks) tasks_.push_back(std::move(task));
    http_->published(newest_);
    http_->progressed(std::move(effects.progress));
    if (answers_) {
      for (core::Reply& reply : effects.replies) http_->answer(std::move(reply));
    }
    for (const core::Recall& wanted : effects.recalls) {
      step(core::BatchRecalled{store_->recall(wanted), wanted.then});
    }
  }

  httplib::Response get(const std::string& path, const httplib::Headers& headers = {}) {
    const auto answer = client_->Get(path, headers);
    EXPECT_TRUE(answer) << path << ": " << httplib::to_string(answer.error());
    return answer ? *answer : httplib::Response();
  }
  json get_json(const std::string& path) {
    const httplib::Response answer = get(path);
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
    return json::parse(answer.body);
  }
  httplib::Response post_to(const std::string& path, const std::string& body = "",
                            const httplib::Headers& headers = {}) {
    const auto answer = client_->Post(path, headers, body, "application/json");
    EXPECT_TRUE(answer) << path << ": " << httplib::to_string(answer.error());
    return answer ? *answer : httplib::Response();
  }
  // The digest as text, "" if it was refused.
  std::string send_reference(const std::string& bytes) {
    const httplib::Response answer = post_to("/api/v1/references", bytes);
    EXPECT_TRUE(answer.status == 200 || answer.status == 201) << answer.body;
    return answer.status < 300 ? json::parse(answer.body)["digest"].get<std::string>() : "";
  }

  httplib::Response put_lora(const std::string& name, const std::string& file,
                             const std::string& more = "") {
    const auto answer =
        client_->Put("/api/v1/loras/" + name + "?sha256=" + to_hex(sha256(file)) + more, file,
                     "application/octet-stream");
    EXPECT_TRUE(answer) << name << ": " << httplib::to_string(answer.error());
    return answer ? *answer : httplib::Response();
  }

  // A batch of two views a character, references and all. Returns its number.
  std::uint64_t submit(const std::vector<std::string>& characters) {
    json batch{{"name", "night"},
               {"owner", "studio"},
               {"recipe",
                {{"pose_set",
                  {{{"id", "front"}, {"azimuth", 0}, {"name", "front view"}},
                   {{"id", "back"}, {"azimuth", 180}, {"name", "back view"}}}}}}};
    for (const std::string& character : characters) {
      batch["sheets"].push_back(
          {{"character", character}, {"reference", send_reference(picture(character))}});
    }
    const httplib::Response answer = post_to("/api/v1/batches", batch.dump());
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.status == 201 ? json::parse(answer.body)["batch"].get<std::uint64_t>() : 0;
  }

  void join_worker(const std::string& name, std::uint32_t capacity = 1, LinkId link = kLink) {
    core::WorkerSaidHello hello;
    hello.link = link;
    hello.name = name;
    hello.device_kind = "cpu";
    hello.device_name = "a test";
    hello.capacity = capacity;
    hello.models = {"flux1-kontext-dev"};
    post(hello);
  }

  // Hands in the oldest lease's picture.
  void finish_one() {
    ASSERT_FALSE(assigned_.empty());
    const core::SendAssign assign = assigned_.front();
    assigned_.erase(assigned_.begin());
    core::LeaseFinished finished;
    finished.link = kLink;
    finished.lease = assign.lease;
    finished.job = assign.job;
    finished.result =
        blobs_->put(bytes_of(picture("job" + std::to_string(assign.job.value)))).value();
    finished.metrics = R"({"seconds": 1.5})";
    finished.result_stored = true;
    post(finished);
  }

  // The oldest lease fails so that its job fails for good.
  void fail_one(const std::string& why) {
    ASSERT_FALSE(assigned_.empty());
    core::LeaseFailed failed;
    failed.link = kLink;
    failed.lease = assigned_.front().lease;
    failed.failure = core::FailureClass::job;
    failed.message = why;
    assigned_.erase(assigned_.begin());
    post(failed);
  }

  void assemble_one() {
    ASSERT_FALSE(tasks_.empty());
    const core::AssembleSheet task = tasks_.front();
    tasks_.erase(tasks_.begin());
    const Digest sheet = blobs_->put(bytes_of(picture("sheet " + task.character))).value();
    const Digest thumbnail = blobs_->put(bytes_of(picture("small " + task.character))).value();
    post(core::SheetAssembled{task.sheet, task.version, sheet, thumbnail, "[]"});
  }

  // Adds rows to the ledger that nothing else is behind, and publishes them.
  void append_rows(std::size_t count, const std::string& detail = "") {
    std::vector<core::Write> rows;
    for (std::size_t i = 0; i < count; ++i) {
      core::LedgerRow row;
      row.id = newest_ = {newest_.value + 1};
      row.kind = "worker.joined";
      row.detail = detail;
      rows.push_back(core::AppendEvent{row});
    }
    ASSERT_TRUE(store_->commit(rows).ok());
    http_->published(newest_);
  }

  // The value of one metric that counts, as in "pirouette_http_streams".
  std::uint64_t metric(const std::string& name) {
    const std::string text = "\n" + get("/metrics").body;
    const std::size_t at = text.find("\n" + name + " ");
    EXPECT_NE(at, std::string::npos) << name;
    return at == std::string::npos
               ? 0
               : std::strtoull(text.c_str() + at + name.size() + 2, nullptr, 10);
  }

  // done() within some seconds.
  static bool wait(const std::function<bool()>& done) {
    for (int i = 0; i < 500; ++i) {
      if (done()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  std::filesystem::path folder_;
  Patience patience_;
  std::size_t connections_max_ = kConnectionsMax;
  std::mutex mutex_;
  Instant now_{1'770'000'000'000'000};
  EventId newest_;
  bool answers_ = true;  // false: the loop is stuck
  std::chrono::milliseconds answer_max_{30'000};
  std::mutex reference_mutex_;  // locked by a test: looking at a reference takes long
  std::atomic<int> thumbnails_made_{0}, references_made_{0}, posts_{0};
  std::vector<core::SendAssign> assigned_;
  std::vector<core::AssembleSheet> tasks_;
  std::unique_ptr<Blobs> blobs_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<core::Core> core_;
  std::unique_ptr<Http> http_;
  std::unique_ptr<httplib::Client> client_;
};

}  // namespace pirouette::http
