// Deliveries, taken home from a server that behaves well and from one that does not.

#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "common/files.h"
#include "common/hash.h"
#include "coordinator/ctl/command_line.h"
#include "tests/support/folder.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;

class Fetch : public testing::Test {
 protected:
  Fetch() {
    server_.Get("/api/v1/batches/1/delivery", [this](const auto&, httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      Json files = Json::array();
      for (const auto& [path, bytes] : offered_) {
        files.push_back({{"path", path},
                         {"digest", to_hex(sha256(bytes))},
                         {"bytes", bytes.size()},
                         {"kind", path.substr(0, path.find('/') - 1)}});
      }
      const Json delivery{{"batch", 1},
                          {"name", "night"},
                          {"complete", complete_.load()},
                          {"manifest", {{"files", offered_.size()}}},
                          {"files", files}};
      response.set_content(delivery.dump(), "application/json");
    });
    server_.Get(R"(/api/v1/blobs/([0-9a-f]+))",
                [this](const httplib::Request& request, httplib::Response& response) {
                  serve_blob(request.matches[1], request, response);
                });
    url_ = "http://127.0.0.1:" + std::to_string(server_.bind_to_any_port("127.0.0.1"));
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~Fetch() override { stop(); }
  void stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  void offer(const std::string& path, const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    offered_[path] = bytes;
  }

  Exit fetch(std::vector<std::string> more = {}) {
    out_.str("");
    err_.str("");
    std::vector<std::string> arguments = {"fetch", "1", "--out", folder_ / "out", "--server", url_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Console console{out_, err_, false, false};
    return run(std::move(arguments), console);
  }

  std::string content(const std::string& path) {
    const auto bytes = read_file(folder_ / "out" / path, 64 << 20);
    return bytes.ok() ? std::string(bytes.value().begin(), bytes.value().end()) : "";
  }
  bool is_there(const std::string& path) { return fs::exists(folder_ / "out" / path); }
  // Bytes under .pirouette/ that are part of a file.
  std::uintmax_t kept_bytes() {
    std::uintmax_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(folder_ / "out/.pirouette")) {
      if (entry.path().extension() != ".json") bytes += entry.file_size();
    }
    return bytes;
  }

  const TestFolder temporary_;
  const fs::path folder_ = temporary_.path();
  std::string url_;
  std::ostringstream out_, err_;
  httplib::Server server_;
  std::thread thread_;

  std::mutex mutex_;
  std::map<std::string, std::string> offered_;
  std::vector<std::string> asked_;  // "range" of each request for a blob
  std::atomic<bool> complete_{true};
  std::atomic<int> breaks_{0};  // so often a connection breaks after break_after_
  std::atomic<std::size_t> break_after_{0};
  std::atomic<int> lies_{0};  // so often other bytes come
  std::atomic<bool> knows_ranges_{true};
  std::atomic<int> at_once_{0}, most_at_once_{0};

 private:
  void serve_blob(const std::string& hex, const httplib::Request& request,
                  httplib::Response& response) {
    std::string bytes;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(request.get_header_value("Range"));
      for (const auto& [path, offered] : offered_) {
        if (to_hex(sha256(offered)) == hex) bytes = offered;
      }
    }
    if (lies_ > 0) {
      --lies_;
      bytes[bytes.size() / 2] ^= 1;
    }
    std::size_t from = 0;
    if (knows_ranges_ && request.has_header("Range")) {
      from = std::stoul(request.get_header_value("Range").substr(6));
      response.status = 206;
      response.set_header("Content-Range", "bytes " + std::to_string(from) + "-" +
                                               std::to_string(bytes.size() - 1) + "/" +
                                               std::to_string(bytes.size()));
    }
    // Else the server would cut out the range by itself.
    const_cast<httplib::Request&>(request).ranges.clear();
    const bool breaks = breaks_.fetch_sub(1) > 0;
    response.set_content_provider(
        bytes.size() - from, "image/png",
        [this, rest = bytes.substr(from), breaks](std::size_t offset, std::size_t, auto& sink) {
          most_at_once_ = std::max<int>(most_at_once_, ++at_once_);
          const std::size_t end =
              breaks ? std::min<std::size_t>(break_after_, rest.size()) : rest.size();
          if (offset < end) sink.write(rest.data() + offset, end - offset);
          if (most_at_once_ < 2) std::this_thread::sleep_for(std::chrono::milliseconds(5));
          --at_once_;
          return !breaks;
        });
  }
};

const std::string kLarge = [] {
  std::string bytes(300'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}();

TEST_F(Fetch, TakesEverythingAndSecondTimeNothing) {
  for (int i = 0; i < 12; ++i) {
    offer("views/a_" + std::to_string(i) + "_v001.png", "view " + std::to_string(i));
  }
  offer("sheets/a_v001.png", kLarge);
  EXPECT_EQ(fetch(), Exit::ok) << err_.str();
  EXPECT_NE(out_.str().find("13 files"), std::string::npos) << out_.str();
  EXPECT_EQ(content("sheets/a_v001.png"), kLarge);
  EXPECT_EQ(content("views/a_11_v001.png"), "view 11");
  EXPECT_EQ(kept_bytes(), 0u);
  EXPECT_GT(most_at_once_, 1);
  EXPECT_LE(most_at_once_, 4);
  const std::size_t asked = asked_.size();
  EXPECT_EQ(fetch(), Exit::ok);
  EXPECT_NE(out_.str().find("0 files (0 B) fetched"), std::string::npos) << out_.str();
  EXPECT_EQ(asked_.size(), asked);
}

TEST_F(Fetch, WhatWasVerifiedIsNotReadAgainUnlessItChanged) {
  offer("sheets/a_v001.png", "picture");
  ASSERT_EQ(fetch(), Exit::ok) << err_.str();
  const fs::path file = folder_ / "out/sheets/a_v001.png";
  const auto before = fs::last_write_time(file);
  // Damage that size and time do not show stays unseen: nobody read the file.
  ASSERT_TRUE(write_file_durably(file, std::string("pictuRe")).ok());
  fs::last_write_time(file, before);
  EXPECT_EQ(fetch(), Exit::ok);
  EXPECT_EQ(content("sheets/a_v001.png"), "pictuRe");
  // A touched one is read, found out and fetched.
  fs::last_write_time(file, before + std::chrono::seconds(1));
  EXPECT_EQ(fetch(), Exit::ok);
  EXPECT_EQ(content("sheets/a_v001.png"), "picture");
  // Without the memory all is hashed, and nothing fetched.
  fs::remove(folder_ / "out/.pirouette/verified.json");
  EXPECT_EQ(fetch(), Exit::ok);
  EXPECT_NE(out_.str().find("0 files"), std::string::npos) << out_.str();
}

TEST_F(Fetch, AConnectionThatBreaksInTheMiddleGoesOnWhereItWas) {
  offer("sheets/a_v001.png", kLarge);
  breaks_ = 2;
  break_after_ = 100'000;
  EXPECT_EQ(fetch(), Exit::ok) << err_.str();
  EXPECT_EQ(content("sheets/a_v001.png"), kLarge);
  ASSERT_EQ(asked_.size(), 3u);
  EXPECT_EQ(asked_[0], "");
  EXPECT_EQ(asked_[1], "bytes=100000-");
  EXPECT_EQ(asked_[2], "bytes=200000-");
}

TEST_F(Fetch, ABrokenOffFetchIsGoneOnWithByTheNextOne) {
  offer("sheets/a_v001.png", kLarge);
  breaks_ = 1000;
  break_after_ = 100'000;
  std::thread killer([this] {  // once the first part is there
    while (!fs::exists(folder_ / "out/.pirouette") || kept_bytes() < 100'000) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    break_after_ = 0;
  });
  EXPECT_EQ(fetch(), Exit::unreachable);
  killer.join();
  EXPECT_NE(err_.str().find("what came so far is kept"), std::string::npos) << err_.str();
  EXPECT_FALSE(is_there("sheets/a_v001.png"));
  EXPECT_FALSE(is_there("manifest.json"));
  const std::uintmax_t kept = kept_bytes();
  EXPECT_GE(kept, 100'000u);
  breaks_ = 0;
  asked_.clear();
  EXPECT_EQ(fetch(), Exit::ok) << err_.str();
  EXPECT_EQ(asked_, std::vector<std::string>{"bytes=" + std::to_string(kept) + "-"});
  EXPECT_EQ(content("sheets/a_v001.png"), kLarge);
}

TEST_F(Fetch, AServerWithoutRangesSendsItFromTheStart) {
  offer("sheets/a_v001.png", kLarge);
  knows_ranges_ = false;
  breaks_ = 1;
  break_after_ = 100'000;
  EXPECT_EQ(fetch(), Exit::ok) << err_.str();
  EXPECT_EQ(content("sheets/a_v001.png"), kLarge);
}

TEST_F(Fetch, OtherBytesAreThrownAwayAndNeverGetAName) {
  offer("sheets/a_v001.png", "first picture");
  offer("sheets/b_v001.png", "second picture");
  lies_ = 1;
  EXPECT_EQ(fetch({"--jobs", "1"}), Exit::ok) << err_.str();  // once: fetched again
  EXPECT_EQ(content("sheets/a_v001.png"), "first picture");

  fs::remove_all(folder_ / "out");
  lies_ = 2;
  EXPECT_EQ(fetch({"--jobs", "1"}), Exit::failed);
  EXPECT_NE(err_.str().find("sheets/a_v001.png: what came does not have the file's hash"),
            std::string::npos)
      << err_.str();
  EXPECT_FALSE(is_there("sheets/a_v001.png"));
  EXPECT_FALSE(is_there("manifest.json"));
  EXPECT_EQ(content("sheets/b_v001.png"), "second picture");  // the others come all the same
  EXPECT_EQ(fetch(), Exit::ok) << err_.str();
  EXPECT_EQ(content("sheets/a_v001.png"), "first picture");
}

TEST_F(Fetch, ADamagedPartIsFoundOut) {
  offer("sheets/a_v001.png", kLarge);
  breaks_ = 1000;
  break_after_ = 0;
  EXPECT_EQ(fetch(), Exit::unreachable);
  for (const auto& entry : fs::directory_iterator(folder_ / "out/.pirouette")) {
    if (entry.path().extension() == ".json") continue;
    ASSERT_TRUE(write_file_durably(entry.path(), std::string(1000, 'x')).ok());
  }
  breaks_ = 0;
  EXPECT_EQ(fetch(), Exit::ok) << err_.str();
  EXPECT_EQ(content("sheets/a_v001.png"), kLarge);
}

TEST_F(Fetch, AServerThatIsGoneIsUnreachableAndLosesNothing) {
  offer("sheets/a_v001.png", "picture");
  ASSERT_EQ(fetch(), Exit::ok);
  stop();
  EXPECT_EQ(fetch(), Exit::unreachable);
  EXPECT_NE(err_.str().find("cannot reach the coordinator"), std::string::npos) << err_.str();
  EXPECT_EQ(content("sheets/a_v001.png"), "picture");
  EXPECT_TRUE(is_there("manifest.json"));
}

TEST_F(Fetch, AFullDiskSaysSoAndTheNextFetchGoesOn) {
  offer("sheets/a_v001.png", kLarge);
  // A limit on the size of files is as good as a full disk: a write ends early, then fails.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{150'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Exit ended = fetch();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(ended, Exit::failed);
  EXPECT_NE(err_.str().find("cannot write"), std::string::npos) << err_.str();
  EXPECT_NE(err_.str().find("what came so far is kept"), std::string::npos) << err_.str();
  EXPECT_FALSE(is_there("sheets/a_v001.png"));
  EXPECT_EQ(fetch(), Exit::ok) << err_.str();
  EXPECT_EQ(content("sheets/a_v001.png"), kLarge);
}

TEST_F(Fetch, ABatchThatGoesOnGivesWhatItHasAndKeepsWhatWasThere) {
  complete_ = false;
  offer("sheets/a_v001.png", "first version");
  EXPECT_EQ(fetch(), Exit::incomplete);
  EXPECT_NE(err_.str().find("fetching again takes what is new"), std::string::npos);
  EXPECT_NE(content("manifest.json").find("\"files\": 1"), std::string::npos);
  {
    const std::lock_guard lock(mutex_);
    offered_ = {{"sheets/a_v002.png", "second version"}, {"views/a_front_v001.png", "view"}};
  }
  complete_ = true;
  EXPECT_EQ(fetch(), Exit::ok) << err_.str();
  EXPECT_EQ(content("sheets/a_v001.png"), "first version");
  EXPECT_EQ(content("sheets/a_v002.png"), "second version");
  EXPECT_NE(content("manifest.json").find("\"files\": 2"), std::string::npos);
}

TEST_F(Fetch, OnlyTakesTheKindsThatAreAskedFor) {
  offer("sheets/a_v001.png", "sheet");
  offer("thumbnails/a_v001.png", "thumbnail");
  offer("views/a_front_v001.png", "view");
  EXPECT_EQ(fetch({"--only", "sheets", "--only", "thumbnails"}), Exit::ok) << err_.str();
  EXPECT_TRUE(is_there("sheets/a_v001.png"));
  EXPECT_TRUE(is_there("thumbnails/a_v001.png"));
  EXPECT_FALSE(is_there("views"));
  EXPECT_EQ(fetch({"--only", "atlases"}), Exit::usage);
  EXPECT_EQ(fetch({"--jobs", "0"}), Exit::usage);
}

TEST_F(Fetch, TheSamePictureAtTwoPathsAndTheSamePathTwice) {
  offer("views/a_front_v001.png", kLarge);
  offer("views/b_front_v001.png", kLarge);
  EXPECT_EQ(fetch(), Exit::ok) << err_.str();
  EXPECT_EQ(content("views/b_front_v001.png"), kLarge);
  offer("views/A_front_v001.png", "other");
  EXPECT_EQ(fetch(), Exit::failed);
  EXPECT_NE(err_.str().find("twice"), std::string::npos) << err_.str();
}

TEST_F(Fetch, NothingIsWrittenOutsideTheFolder) {
  for (const char* path : {"../a.png", "/tmp/a.png", ".pirouette/verified.json", "a\\b.png", ""}) {
    {
      const std::lock_guard lock(mutex_);
      offered_ = {{path, "x"}};
    }
    EXPECT_EQ(fetch(), Exit::failed) << path;
    EXPECT_NE(err_.str().find("nothing was written"), std::string::npos) << err_.str();
  }
  EXPECT_FALSE(fs::exists(folder_ / "a.png"));
}

}  // namespace
}  // namespace pirouette::ctl
