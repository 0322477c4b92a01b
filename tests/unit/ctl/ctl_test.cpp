// What the command line says and how it ends, against a server that answers what a test wants.

#include <gtest/gtest.h>
#include <httplib.h>
#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "common/hash.h"
#include "coordinator/ctl/characters.h"
#include "coordinator/ctl/command_line.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;

TEST(Format, BytesAndSecondsReadWell) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1'900'000), "1.9 MB");
  EXPECT_EQ(format_bytes(999'960), "1.0 MB");
  EXPECT_EQ(format_seconds(45), "45 s");
  EXPECT_EQ(format_seconds(725), "12 min");
  EXPECT_EQ(format_seconds(12'000), "3 h 20 min");
  EXPECT_EQ(format_seconds(190'000), "2 d 4 h");
  EXPECT_EQ(count_of(1, "job"), "1 job");
  EXPECT_EQ(count_of(0, "job"), "0 jobs");
}

TEST(Format, TheBarFillsWithWhatEnded) {
  EXPECT_EQ(progress_bar(0, 10, 10), "[..........]");
  EXPECT_EQ(progress_bar(5, 10, 10), "[#####.....]");
  EXPECT_EQ(progress_bar(99, 10, 4), "[####]");
  EXPECT_EQ(progress_bar(0, 0, 4), "[....]");
}

TEST(Format, ABatchIsOneLine) {
  Json batch{{"state", "running"}, {"jobs", 72u},        {"jobs_done", 29u},
             {"jobs_failed", 1u},  {"jobs_running", 3u}, {"seconds_left", 725}};
  EXPECT_EQ(batch_line(batch, 12),
            "[#####.......] 29 of 72 jobs, 3 running, 1 failed, 12 min left");
  batch["state"] = "finished";
  EXPECT_EQ(batch_line(batch, 12), "[#####.......] 29 of 72 jobs, 3 running, 1 failed, finished");
  EXPECT_EQ(printable("a\x1b[31m\n"), "a [31m ");
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

  fs::path folder_;
  httplib::Server server_;
  std::string url_;
  std::thread thread_;
  std::ostringstream out_, err_;
};

TEST_F(Ctl, CharactersAreFilesByNameWithTheirNotes) {
  write("b witch.PNG", "x");
  write("a.jpg", "x");
  write("a.txt", "  red cape \n");
  write("notes.md", "x");
  const auto characters = read_characters(folder_ / "in").value();
  ASSERT_EQ(characters.size(), 2u);
  EXPECT_EQ(characters[0].name, "a");
  EXPECT_EQ(characters[0].notes, "red cape");
  EXPECT_EQ(characters[1].name, "b witch");
  write("A.webp", "x");
  const auto doubled = read_characters(folder_ / "in");
  ASSERT_FALSE(doubled.ok());
  EXPECT_NE(doubled.error().what.find("a.jpg"), std::string::npos) << doubled.error().what;
}

TEST_F(Ctl, CharactersKeepTheirScript) {
  for (const char* name : {"李.png", "王.png", "Zoë.png"}) write(name, "x");
  const auto characters = read_characters(folder_ / "in").value();
  ASSERT_EQ(characters.size(), 3u);
  EXPECT_EQ(characters[0].name, "Zoë");
  EXPECT_EQ(characters[1].name, "李");
  write("a .png", "x");
  const auto refused = read_characters(folder_ / "in");
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().what.find("a dot or a space"), std::string::npos);
}

TEST_F(Ctl, NonsenseIsUsage) {
  EXPECT_EQ(type({}), Exit::usage);
  EXPECT_EQ(type({"dance"}), Exit::usage);
  EXPECT_EQ(type({"watch"}), Exit::usage);
  EXPECT_EQ(type({"watch", "seven"}), Exit::usage);
  EXPECT_EQ(type({"submit", "x", "--priority", "101"}), Exit::usage);
  EXPECT_EQ(type({"submit", "--help"}), Exit::ok);
  EXPECT_NE(out_.str().find("Example: "), std::string::npos);
}

TEST_F(Ctl, AnEmptyFolderFailsWithWhatIsMissing) {
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::failed);
  EXPECT_NE(err_.str().find(".png"), std::string::npos) << err_.str();
}

TEST_F(Ctl, NobodyThereIsUnreachable) {
  url_ = "http://127.0.0.1:1";
  EXPECT_EQ(type({"status"}), Exit::unreachable);
  EXPECT_NE(err_.str().find("127.0.0.1:1"), std::string::npos);
  url_ = "ftp://x";
  EXPECT_EQ(type({"status"}), Exit::usage);
}

TEST_F(Ctl, ServerAndJsonStandAnywhere) {
  serve("/api/v1/workers", R"({"items": [], "next": null})");
  EXPECT_EQ(type({"--json", "workers"}), Exit::ok) << err_.str();
  EXPECT_EQ(out_.str(), "[]\n");
  EXPECT_EQ(type({"workers", "--json"}), Exit::ok) << err_.str();
  EXPECT_EQ(out_.str(), "[]\n");
  Console console{out_, err_, false, false};
  EXPECT_EQ(run({"--server", url_, "workers"}, console), Exit::ok) << err_.str();
}

TEST_F(Ctl, WorkersSayWhatTheyHoldAndWhichTakeNoWork) {
  serve("/api/v1/workers", R"({"next": null, "items": [
    {"id": 1, "state": "online", "capacity": 2,
     "residency": {"model": "kontext", "loras": [{"name": "ink", "scale": 1}]}},
    {"id": 2, "state": "online", "capacity": 0, "residency": null},
    {"id": 3, "state": "online", "capacity": 2,
     "residency": {"model": "kontext", "loras": [], "models": [
       {"name": "other", "mode": "merged only", "variants": [[], []]},
       {"name": "kontext", "mode": "pristine on device", "variants": [[{"name": "ink"}]]}]}}]})");
  EXPECT_EQ(type({"workers"}), Exit::ok) << err_.str();
  EXPECT_NE(out_.str().find("  kontext + ink  "), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("  kontext; pristine on device, 1 variant  "), std::string::npos)
      << out_.str();
  EXPECT_NE(out_.str().find("  idle\n"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("  takes no work; its log says why\n"), std::string::npos);
}

TEST_F(Ctl, AProblemIsSaidAsASentence) {
  serve("/api/v1/batches/9/delivery", R"({"status": 404, "detail": "There is no batch 9."})", 404);
  EXPECT_EQ(type({"fetch", "9"}), Exit::failed);
  EXPECT_EQ(err_.str(), "pirouette: There is no batch 9.\n");
}

TEST_F(Ctl, WatchEndsIncompleteWhenSomethingFailed) {
  serve("/api/v1/batches/1",
        R"({"state": "finished", "jobs": 2, "jobs_done": 2, "jobs_failed": 0})");
  serve("/api/v1/batches/2",
        R"({"state": "finished", "jobs": 2, "jobs_done": 1, "jobs_failed": 1})");
  serve("/api/v1/batches/2/sheets", R"({"next": null, "items": [{"character": "knight", "poses": [
    {"state": "failed", "view_id": "back", "attempts": 3, "error": "no memory"}]}]})");
  EXPECT_EQ(type({"watch", "1"}), Exit::ok);
  EXPECT_EQ(type({"watch", "2"}), Exit::incomplete);
  EXPECT_NE(out_.str().find("1 failed, finished\n"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("failed: knight back after 3 attempts: no memory\n"), std::string::npos)
      << out_.str();
}

TEST_F(Ctl, FetchChecksGoesOnAndStaysInItsFolder) {
  const std::string digest = to_hex(sha256("picture"));
  const auto delivery = [&](const std::string& path) {
    return Json{{"batch", 1},
                {"name", "night"},
                {"complete", true},
                {"manifest", {{"format", 1}}},
                {"files", {{{"path", path}, {"digest", digest}, {"bytes", 7}, {"kind", "sheet"}}}}}
        .dump();
  };
  serve("/api/v1/batches/1/delivery", delivery("sheets/a_v001.png"));
  serve("/api/v1/batches/2/delivery", delivery("../a.png"));
  serve("/api/v1/blobs/" + digest, "picture");
  const std::string out = folder_ / "out";
  EXPECT_EQ(type({"fetch", "1", "--out", out}), Exit::ok) << err_.str();
  EXPECT_NE(out_.str().find("1 file (7 B) fetched"), std::string::npos) << out_.str();
  EXPECT_TRUE(fs::exists(fs::path(out) / "manifest.json"));
  EXPECT_EQ(type({"fetch", "1", "--out", out}), Exit::ok);
  EXPECT_NE(out_.str().find("0 files (0 B) fetched"), std::string::npos) << out_.str();
  std::ofstream(fs::path(out) / "sheets/a_v001.png") << "damaged";
  EXPECT_EQ(type({"fetch", "1", "--out", out}), Exit::ok);
  EXPECT_NE(out_.str().find("1 file"), std::string::npos);
  EXPECT_EQ(type({"fetch", "2", "--out", out}), Exit::failed);
  EXPECT_FALSE(fs::exists(folder_ / "a.png"));
}

// Takes references and batches, and remembers what came.
class CtlSubmits : public Ctl {
 protected:
  CtlSubmits() {
    server_.Get("/api/v1/blobs/" + to_hex(sha256("known")), [](const auto&, auto&) {});
    server_.Post("/api/v1/references", [this](const auto& request, auto& response) {
      references_.push_back(request.body);
      response.status = request.body == "broken" ? 400 : 201;
      const Json answer = response.status == 201
                              ? Json{{"digest", to_hex(sha256("png of " + request.body))}}
                              : Json{{"detail", "This cannot be used as a reference."}};
      response.set_content(answer.dump(), "application/json");
    });
    server_.Post("/api/v1/batches", [this](const auto& request, auto& response) {
      batch_ = Json::parse(request.body);
      response.status = 201;
      response.set_content(R"({"batch": 7, "sheets": 2, "jobs": 12})", "application/json");
    });
  }

  std::vector<std::string> references_;
  Json batch_;
};

TEST_F(CtlSubmits, ReferencesAreNamedAsTheServerNamesThem) {
  write("a.jpg", "photo");
  write("b.png", "known");
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::ok) << err_.str();
  EXPECT_EQ(references_, std::vector<std::string>{"photo"});
  EXPECT_EQ(batch_["sheets"][0]["reference"], to_hex(sha256("png of photo")));
  EXPECT_EQ(batch_["sheets"][1]["reference"], to_hex(sha256("known")));
}

TEST_F(CtlSubmits, AWaitingBatchIsAWarning) {
  write("b.png", "known");
  serve("/api/v1/batches/7", R"({"state": "running", "jobs": 12, "waiting_for": "no model x"})");
  serve("/api/v1/batches/7/sheets", R"({"items": [], "next": null})");
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::ok);
  EXPECT_EQ(err_.str(), "pirouette: waiting: no model x\n");
  EXPECT_EQ(type({"status", "7"}), Exit::ok) << err_.str();
  EXPECT_NE(out_.str().find("\nwaiting: no model x\n"), std::string::npos) << out_.str();
}

TEST_F(CtlSubmits, ABrokenPictureIsNamed) {
  write("a.png", "known");
  write("b.webp", "broken");
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::failed);
  EXPECT_EQ(err_.str(), "pirouette: b.webp: This cannot be used as a reference.\n");
  EXPECT_TRUE(batch_.is_null());
}

TEST_F(CtlSubmits, TheOwnerIsWhoRunsIt) {
  write("b.png", "known");
  const char* const user = std::getenv("USER");
  const std::string before = user ? user : "";
  const auto owner_sent = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"submit", folder_ / "in"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(type(arguments), Exit::ok) << err_.str();
    return batch_.value("owner", "");
  };
  ::setenv("USER", "ada", 1);
  EXPECT_EQ(owner_sent({}), "ada");
  EXPECT_EQ(owner_sent({"--owner", "studio"}), "studio");
  ::unsetenv("USER");
  const passwd* const login = ::getpwuid(::getuid());
  EXPECT_EQ(owner_sent({}), login ? login->pw_name : "");
  EXPECT_EQ(batch_.contains("owner"), login != nullptr);
  if (user) ::setenv("USER", before.c_str(), 1);
}

TEST_F(CtlSubmits, ADryRunSaysThePromptsAndSendsNothing) {
  write("chef.png", "x");
  write("chef.txt", "black clogs");
  write("knight.jpg", "y");
  write("knight.txt", "red cape");
  write("robot.png", "z");
  const auto count = [this](const std::string& words) {
    int found = 0;
    const std::string text = out_.str();
    for (auto at = text.find(words); at != text.npos; at = text.find(words, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(type({"submit", folder_ / "in", "--dry-run"}), Exit::ok) << err_.str();
  EXPECT_EQ(count("3 sheets of 6 views"), 1) << out_.str();
  EXPECT_EQ(count("black clogs"), 6) << out_.str();
  EXPECT_EQ(count("create a back view of this character"), 1) << out_.str();
  EXPECT_EQ(count("knight: red cape"), 1) << out_.str();
  EXPECT_EQ(count("robot: no notes"), 1) << out_.str();
  EXPECT_EQ(type({"submit", folder_ / "in", "--dry-run", "--json"}), Exit::ok) << err_.str();
  const Json said = Json::parse(out_.str());
  EXPECT_EQ(said["sheets"].size(), 3u);
  EXPECT_EQ(said["sheets"][1]["prompts"].size(), 6u);
  EXPECT_NE(said["sheets"][1]["prompts"]["back"].get<std::string>().find("red cape"),
            std::string::npos);
  EXPECT_TRUE(references_.empty());
  EXPECT_TRUE(batch_.is_null());
}

}  // namespace
}  // namespace pirouette::ctl
