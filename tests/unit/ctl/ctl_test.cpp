// What the command line says and how it ends, against a server that answers what a test wants.

#include "coordinator/ctl/format.h"
#include "tests/unit/ctl/served.h"

namespace pirouette::ctl {
namespace {

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
  batch["ready_p50"] = "2026-03-01T06:40:59.123Z";
  batch["ready_p90"] = "2026-03-01T07:15:00.000Z";
  EXPECT_EQ(batch_line(batch, 12),
            "[#####.......] 29 of 72 jobs, 3 running, 1 failed, ready about 2026-03-01 06:40 UTC "
            "(by 2026-03-01 07:15 UTC in nine nights of ten)");
  EXPECT_EQ(late_line(batch), "");
  batch["late_by_seconds"] = 2341u;
  EXPECT_EQ(late_line(batch),
            "may be late by 40 min: raise its priority, add workers or ask for less");
  batch["state"] = "finished";
  EXPECT_EQ(batch_line(batch, 12), "[#####.......] 29 of 72 jobs, 3 running, 1 failed, finished");
  EXPECT_EQ(printable("a\x1b[31m\n"), "a [31m ");
}

TEST_F(Ctl, AStoppedFarmAndAWorkerInQuarantineAreSaid) {
  serve("/api/v1/health",
        R"({"version": "1", "workers_online": 2, "stopped": "nobody made a picture"})");
  serve("/api/v1/batches", R"({"items": [], "next": null})");
  EXPECT_EQ(type({"status"}), Exit::ok) << err_.str();
  EXPECT_NE(out_.str().find("the farm is stopped: nobody made a picture; mend that"),
            std::string::npos)
      << out_.str();
  serve("/api/v1/workers", R"({"items": [{"id": 1, "name": "w", "state": "online", "capacity": 2,
        "quarantine": "it failed 3 different jobs in a row", "leases": []}], "next": null})");
  EXPECT_EQ(type({"workers"}), Exit::ok) << err_.str();
  EXPECT_NE(out_.str().find("in quarantine: it failed 3 different jobs in a row"),
            std::string::npos)
      << out_.str();
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
                {"manifest", {{"format", 2}}},
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

TEST_F(Ctl, ExplainTellsTheSentence) {
  serve("/api/v1/jobs/12/explain", R"({"sentence": "Job 12 waits."})");
  serve("/api/v1/workers", R"({"items": [{"id": 3, "name": "gpu-7"}], "next": null})");
  serve("/api/v1/workers/3/explain", R"({"sentence": "Worker gpu-7 idles."})");
  EXPECT_EQ(type({"explain", "job", "12"}), Exit::ok);
  EXPECT_EQ(out_.str(), "Job 12 waits.\n");
  EXPECT_EQ(type({"explain", "job/12"}), Exit::ok);
  EXPECT_EQ(out_.str(), "Job 12 waits.\n");
  EXPECT_EQ(type({"explain", "worker", "gpu-7", "--json"}), Exit::ok);
  EXPECT_EQ(out_.str(), "{\"sentence\":\"Worker gpu-7 idles.\"}\n");
  EXPECT_EQ(type({"explain", "worker/gpu-8"}), Exit::failed);
  EXPECT_NE(err_.str().find("there are: gpu-7"), std::string::npos) << err_.str();
  EXPECT_EQ(type({"explain", "moon", "1"}), Exit::failed);
  EXPECT_NE(err_.str().find("sheet 3, job 12"), std::string::npos) << err_.str();
}

// A sheet of the knight with its back view, and what was asked of it.
class CtlChanges : public Ctl {
 protected:
  CtlChanges() {
    serve("/api/v1/batches/7/sheets",
          R"({"items": [{"id": 12, "character": "Knight",
              "poses": [{"id": 41, "view_id": "back"}]}], "next": null})");
    server_.Post(R"(/api/v1/(.*))", [this](const auto& request, auto& response) {
      asked_ = request.matches[1];
      body_ = Json::parse(request.body, nullptr, false);
      response.set_content(R"({"pose": 41, "job": 99, "take": 2})", "application/json");
    });
  }
  std::string asked_;
  Json body_;
};

TEST_F(CtlChanges, APoseIsNamedByItsCharacterAndView) {
  EXPECT_EQ(type({"reroll", "7/knight/back", "--note", "longer cape", "--seed", "5"}), Exit::ok)
      << err_.str();
  EXPECT_EQ(asked_, "poses/41/reroll");
  EXPECT_EQ(body_["note"], "longer cape");
  EXPECT_EQ(body_["seed"], 5);
  EXPECT_NE(out_.str().find("take 2 (job 99)"), std::string::npos) << out_.str();
  EXPECT_EQ(type({"reroll", "41"}), Exit::ok);
  EXPECT_FALSE(body_.contains("note")) << "the take before's correction stays";
  EXPECT_EQ(type({"reroll", "41", "--note", ""}), Exit::ok);
  EXPECT_EQ(body_["note"], "") << "none any more";
  EXPECT_EQ(type({"choose", "pose/41", "1"}), Exit::ok);
  EXPECT_EQ(asked_, "poses/41/choose");
}

TEST_F(CtlChanges, SheetsAndBatchesAreReviewedAndStopped) {
  EXPECT_EQ(type({"approve", "7/knight"}), Exit::ok) << err_.str();
  EXPECT_EQ(asked_, "sheets/12/approve");
  EXPECT_EQ(type({"reject", "7/knight/back", "--note", "no"}), Exit::ok);
  EXPECT_EQ(asked_, "poses/41/reject");
  EXPECT_EQ(type({"cancel", "7"}), Exit::ok);
  EXPECT_EQ(asked_, "batches/7/cancel");
  EXPECT_EQ(type({"cancel", "7/KNIGHT"}), Exit::ok);
  EXPECT_EQ(asked_, "sheets/12/cancel");
  EXPECT_EQ(type({"pause", "7"}), Exit::ok);
  EXPECT_EQ(asked_, "batches/7/pause");
  EXPECT_EQ(type({"resume", "7"}), Exit::ok);
  EXPECT_EQ(type({"priority", "7", "90"}), Exit::ok);
  EXPECT_EQ(body_["priority"], 90);
}

TEST_F(CtlChanges, WhatIsNotThereIsSaidWithWhatIs) {
  EXPECT_EQ(type({"reroll", "7/witch/back"}), Exit::failed);
  EXPECT_NE(err_.str().find("there are: Knight"), std::string::npos) << err_.str();
  EXPECT_EQ(type({"reroll", "7/knight/top"}), Exit::failed);
  EXPECT_NE(err_.str().find("there are: back"), std::string::npos) << err_.str();
  EXPECT_EQ(type({"pause", "7/knight"}), Exit::failed);
  EXPECT_NE(err_.str().find("pause takes a batch"), std::string::npos) << err_.str();
  EXPECT_EQ(type({"reroll", "knight"}), Exit::failed);
  EXPECT_NE(err_.str().find("7/knight/back"), std::string::npos) << err_.str();
  EXPECT_TRUE(asked_.empty());
}

TEST_F(CtlChanges, APoseIsExplainedByItsNewestTake) {
  serve("/api/v1/poses/41/takes", R"({"items": [{"id": 98}, {"id": 99}], "next": null})");
  serve("/api/v1/jobs/99/explain", R"({"sentence": "Job 99 waits."})");
  EXPECT_EQ(type({"explain", "7/knight/back"}), Exit::ok) << err_.str();
  EXPECT_EQ(out_.str(), "Job 99 waits.\n");
}

TEST_F(Ctl, VerifyWalksEveryPageOfEveryBatch) {
  serve("/api/v1/batches", R"({"items": [{"id": 2}, {"id": 1}], "next": null})");
  serve("/api/v1/batches/2/verification",
        R"({"batch": 2, "sheets": 1, "jobs_done": 2, "blobs": 5, "bytes": 1000, "findings": [],
            "next": null})");
  server_.Get("/api/v1/batches/1/verification",
              [](const httplib::Request& request, httplib::Response& response) {
                const bool first = !request.has_param("after");
                response.set_content(
                    first ? R"({"batch": 1, "sheets": 3, "jobs_done": 6, "blobs": 9, "bytes": 900,
                                "findings": [], "next": 17})"
                          : R"({"batch": 1, "sheets": 1, "jobs_done": 1, "blobs": 1, "bytes": 100,
                                "findings": [], "next": null})",
                    "application/json");
              });
  EXPECT_EQ(type({"verify"}), Exit::ok);
  EXPECT_EQ(
      out_.str(),
      "9 done jobs of 5 sheets in 2 batches: each has exactly one accepted result, and all 15 "
      "pictures (2.0 kB) have their hashes\n");
  EXPECT_EQ(type({"verify", "2", "--json"}), Exit::ok);
  EXPECT_EQ(Json::parse(out_.str())["jobs_done"], 2);
}

TEST_F(Ctl, VerifySaysWhatIsBrokenAndFails) {
  serve("/api/v1/batches/2/verification",
        R"({"batch": 2, "sheets": 1, "jobs_done": 2, "blobs": 5, "bytes": 1000, "findings":
            [{"kind": "blob_missing", "what": "it is gone; restore it", "ids": {"job": 7}}],
            "next": null})");
  EXPECT_EQ(type({"verify", "2"}), Exit::failed);
  EXPECT_EQ(out_.str(),
            "batch 2: it is gone; restore it\n2 done jobs of 1 sheet in 1 batch looked at: 1 "
            "finding\n");
  EXPECT_EQ(type({"verify", "2", "--json"}), Exit::failed);
  EXPECT_EQ(Json::parse(out_.str())["findings"][0]["batch"], 2);
}

}  // namespace
}  // namespace pirouette::ctl
