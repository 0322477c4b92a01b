#pragma once
// The command line against a server that answers what a test wants, and a folder of files to
// submit.

#include <gtest/gtest.h>
#include <httplib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "common/hash.h"
#include "coordinator/ctl/command_line.h"

namespace pirouette::ctl {

namespace fs = std::filesystem;

// As far as the command line looks: a head that says how large it is. content tells pictures apart.
inline std::string png_of(const std::string& content, std::uint16_t width = 64,
                          std::uint16_t height = 96) {
  std::string png("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0", 18);
  png += {static_cast<char>(width >> 8),  static_cast<char>(width & 0xFF), 0, 0,
          static_cast<char>(height >> 8), static_cast<char>(height & 0xFF)};
  return png + content;
}

class Ctl : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("pirouette-ctl-" + std::to_string(::getpid()));
    fs::create_directories(folder_ / "in");
    const int port = server_.bind_to_any_port("127.0.0.1");
    url_ = "http://127.0.0.1:" + std::to_string(port);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  void TearDown() override {
    server_.stop();
    thread_.join();
    fs::remove_all(folder_);
  }

  void serve(const std::string& path, const std::string& body, int status = 200) {
    server_.Get(path, [=](const httplib::Request&, httplib::Response& response) {
      response.status = status;
      response.set_content(body, "application/json");
    });
  }
  Exit type(std::vector<std::string> arguments) {
    out_.str("");
    err_.str("");
    arguments.insert(arguments.end(), {"--server", url_});
    Console console{out_, err_, false, false};
    return run(std::move(arguments), console);
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / "in" / name) << text;
  }
  std::string said() const { return out_.str() + err_.str(); }

  fs::path folder_;
  httplib::Server server_;
  std::string url_;
  std::thread thread_;
  std::ostringstream out_, err_;
};

// Takes references and batches as the coordinator does, and remembers what came.
class CtlSubmits : public Ctl {
 protected:
  CtlSubmits() {
    server_.Get("/api/v1/references/(.*)", [this](const auto& request, auto& response) {
      ++asked_;
      const std::string name = request.matches[1];
      response.status = became_.contains(name) ? 200 : 404;
      if (response.status == 200) answer(name, response);
    });
    server_.Put("/api/v1/references/(.*)", [this](const auto& request, auto& response) {
      const std::string name = request.matches[1];
      EXPECT_EQ(name, to_hex(sha256(request.body)));
      references_.push_back(request.body);
      if (request.body.ends_with("broken")) {
        response.status = 400;
        response.set_content(R"({"detail": "This cannot be used as a reference."})",
                             "application/json");
        return;
      }
      became_[name] = to_hex(sha256("png of " + request.body));
      response.status = 201;
      answer(name, response);
    });
    server_.Post("/api/v1/batches", [this](const auto& request, auto& response) {
      keys_.push_back(request.get_header_value("Idempotency-Key"));
      if (busy_ > 0) {
        --busy_;
        response.status = 503;
        return;
      }
      const bool again = made_.contains(keys_.back());
      made_.insert(keys_.back());
      batch_ = Json::parse(request.body);
      response.status = again ? 200 : 201;
      response.set_content(R"({"batch": 7, "sheets": 2, "jobs": 12})", "application/json");
    });
  }

  void answer(const std::string& name, httplib::Response& response) {
    Json warnings = Json::array();
    if (!warning_.empty()) warnings.push_back(warning_);
    response.set_content(
        Json{{"digest", became_[name]}, {"original", name}, {"warnings", warnings}}.dump(),
        "application/json");
  }

  // Of the server: tests read it once a command is done.
  std::map<std::string, std::string> became_;  // what it knows, and what that became
  std::vector<std::string> references_, keys_;
  std::set<std::string> made_;
  int asked_ = 0, busy_ = 0;
  std::string warning_;
  Json batch_;
};

}  // namespace pirouette::ctl
