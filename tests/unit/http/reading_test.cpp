// What may be asked of a farm: lists by what is wanted of them, a job's story, the ledger as a
// list, explanations in the core's own words.

#include "common/clock.h"
#include "tests/unit/http/small_farm.h"

namespace pirouette::http {
namespace {

class Reading : public SmallFarm {
 protected:
  // Of a list's items, one field.
  json column(const std::string& path, const std::string& field = "id") {
    const json list = get_json(path);
    json values = json::array();
    for (const json& row : list["items"]) values.push_back(row[field]);
    return values;
  }
  std::string sentence(const std::string& subject) {
    return get_json("/api/v1/" + subject + "/explain")["sentence"];
  }
  json ledger(const std::string& query, const httplib::Headers& more = {}) {
    httplib::Headers headers{{"Accept", "application/json"}};
    headers.insert(more.begin(), more.end());
    const httplib::Response answer = get("/api/v1/events" + query, headers);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body);
  }
};

TEST_F(Reading, JobsComeByWhatIsWantedOfThem) {
  submit({"knight", "witch"});
  submit({"dragon"});
  join_worker("gpu-1", 2);
  finish_one();
  fail_one("no face");  // job 2; now 3 and 4 are leased
  EXPECT_EQ(column("/api/v1/jobs"), json({1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(column("/api/v1/jobs?state=done"), json({1}));
  EXPECT_EQ(column("/api/v1/jobs?state=failed"), json({2}));
  EXPECT_EQ(column("/api/v1/jobs?state=leased"), json({3, 4}));
  EXPECT_EQ(column("/api/v1/jobs?state=leased&worker=2"), json::array());
  EXPECT_EQ(column("/api/v1/jobs?state=queued"), json({5, 6}));
  EXPECT_EQ(column("/api/v1/jobs?state=queued&batch=1"), json::array());
  EXPECT_EQ(column("/api/v1/jobs?batch=2"), json({5, 6}));
  EXPECT_EQ(column("/api/v1/jobs?batch=9"), json::array());
  EXPECT_EQ(column("/api/v1/jobs?sheet=2"), json({3, 4}));
  EXPECT_EQ(column("/api/v1/jobs?worker=1"), json({1, 3, 4}));
  EXPECT_EQ(column("/api/v1/jobs?batch=1&sheet=3"), json::array());
}

TEST_F(Reading, AListGoesOnWhereItStopped) {
  submit({"knight", "witch"});
  for (const std::string path : {"/api/v1/jobs?limit=3", "/api/v1/jobs?state=queued&limit=3",
                                 "/api/v1/jobs?batch=1&limit=3"}) {
    const json first = get_json(path);
    EXPECT_EQ(first["next"], 3) << path;
    EXPECT_EQ(column(path + "&after=3"), json({4})) << path;
    EXPECT_TRUE(get_json(path + "&after=3")["next"].is_null()) << path;
  }
  EXPECT_EQ(get_json("/api/v1/sheets?limit=1")["next"], 1);
  EXPECT_EQ(column("/api/v1/sheets?limit=1&after=1"), json({2}));
  EXPECT_EQ(get_json("/api/v1/sheets/1/poses?limit=1")["next"], 1);
  EXPECT_EQ(column("/api/v1/sheets/1/poses?limit=1&after=1"), json({2}));
}

TEST_F(Reading, AMisspeltFilterIsNoFilterThatLetsEverythingThrough) {
  const httplib::Response answer = get("/api/v1/jobs?sate=failed");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("limit, after, state, batch, sheet, worker"), std::string::npos)
      << answer.body;
  EXPECT_NE(get("/api/v1/jobs?state=broken").body.find("held, queued, leased"), std::string::npos);
  EXPECT_EQ(get("/api/v1/jobs?batch=0").status, 400);
}

TEST_F(Reading, SheetsComeByStateAndCharacterOverAllBatches) {
  submit({"knight", "witch"});
  submit({"knight"});
  join_worker("gpu-1", 2);
  finish_one();
  finish_one();
  assemble_one();
  EXPECT_EQ(column("/api/v1/sheets"), json({1, 2, 3}));
  EXPECT_EQ(column("/api/v1/sheets?state=ready"), json({1}));
  EXPECT_EQ(column("/api/v1/sheets?character=knight"), json({1, 3}));
  EXPECT_EQ(column("/api/v1/sheets?character=knight&batch=2"), json({3}));
  EXPECT_EQ(column("/api/v1/sheets?batch=1&state=rendering"), json({2}));
  EXPECT_EQ(get_json("/api/v1/sheets?state=ready")["items"][0]["poses"].size(), 2u);
}

TEST_F(Reading, AJobTellsEachOfItsLeases) {
  submit({"knight"});
  join_worker("gpu-1");
  core::LeaseFailed failed;
  failed.link = kLink;
  failed.lease = assigned_.front().lease;
  failed.message = "out of memory";
  assigned_.clear();
  post(failed);
  finish_one();          // job 2: the worker is not given what it just failed
  post(core::Ticked{});  // but nobody else is there
  const json retried = get_json("/api/v1/jobs/1");
  ASSERT_EQ(retried["leases"].size(), 2u) << retried.dump(1);
  EXPECT_EQ(retried["leases"][0]["outcome"], "requeued");
  EXPECT_EQ(retried["leases"][0]["detail"], "out of memory");
  EXPECT_EQ(retried["leases"][1]["outcome"], "running");
  EXPECT_TRUE(retried["leases"][1]["ended_at"].is_null());
  EXPECT_NE(retried["prompt"].get<std::string>().find("front view"), std::string::npos);
  finish_one();
  const json done = get_json("/api/v1/jobs/1");
  EXPECT_EQ(done["leases"][0]["outcome"], "requeued");
  EXPECT_EQ(done["leases"][1]["outcome"], "done");
  EXPECT_EQ(done["leases"][1]["worker"], "gpu-1");
  EXPECT_EQ(done["metrics"]["seconds"], 1.5);
  EXPECT_EQ(column("/api/v1/poses/1/takes", "picture"), json({done["picture"]}));
  const json pose = get_json("/api/v1/poses/1");
  EXPECT_EQ(pose["character"], "knight");
  EXPECT_EQ(pose["picture"], done["picture"]);
}

TEST_F(Reading, TheLedgerIsAListForWhoAsksForJson) {
  submit({"knight"});
  submit({"witch"});
  join_worker("gpu-1");
  const json all = ledger("");
  ASSERT_EQ(all["items"].size(), 4u) << all.dump(1);
  EXPECT_EQ(all["items"][0]["kind"], "batch.submitted");
  EXPECT_EQ(all["items"][3]["kind"], "job.leased");
  const json page = ledger("?limit=1&after=1");
  EXPECT_EQ(page["items"][0]["id"], 2);
  EXPECT_EQ(page["next"], 2);
  EXPECT_EQ(ledger("?limit=1", {{"Last-Event-ID", "2"}})["items"][0]["id"], 3);
  const json of_batch = ledger("?batch=2");
  ASSERT_EQ(of_batch["items"].size(), 1u) << of_batch.dump(1);
  EXPECT_EQ(of_batch["items"][0]["id"], 2);
  EXPECT_TRUE(of_batch["next"].is_null());
  EXPECT_TRUE(ledger("?batch=9")["items"].empty());
}

TEST_F(Reading, ExplanationsUseTheCoresOwnWords) {
  submit({"knight", "witch"});
  EXPECT_EQ(sentence("jobs/1"),
            "Job 1 (knight, front) waits: no worker is online; start one with "
            "pirouette-worker serve.");
  now_ = wall_clock_now();  // a rest is compared with the clock
  join_worker("gpu-1");
  EXPECT_NE(sentence("jobs/4").find("gpu-1 could take it and is busy; 2 jobs go before it"),
            std::string::npos)
      << sentence("jobs/4");
  core::LeaseFailed failed;
  failed.link = kLink;
  failed.lease = assigned_.front().lease;
  failed.failure = core::FailureClass::worker;
  failed.message = "the model is damaged";
  post(failed);
  EXPECT_NE(sentence("workers/1").find("Worker gpu-1 rests until "), std::string::npos)
      << sentence("workers/1");
  EXPECT_NE(sentence("jobs/4").find("gpu-1 could take it and rests until "), std::string::npos)
      << sentence("jobs/4");
}

TEST_F(Reading, TagsAreComparedAsAList) {
  const std::string name = send_reference(picture("knight")), path = "/api/v1/blobs/" + name;
  const auto status = [&](const std::string& at, const std::string& header,
                          const std::string& value) {
    return get(at, {{header, value}}).status;
  };
  EXPECT_EQ(status(path, "If-None-Match", "\"other\", W/\"" + name + "\""), 304);
  EXPECT_EQ(status(path, "If-None-Match", "\"other\""), 200);
  const httplib::Response small = get(path + "/thumbnail?height=64");
  EXPECT_EQ(status(path + "/thumbnail?height=64", "If-None-Match", small.get_header_value("ETag")),
            304);
  EXPECT_EQ(status(path + "/thumbnail?height=65", "If-None-Match", small.get_header_value("ETag")),
            200);
  const httplib::Headers part{{"Range", "bytes=0-1"}, {"If-Range", "\"" + name + "\""}};
  EXPECT_EQ(get(path, part).status, 206);
  const httplib::Headers other{{"Range", "bytes=0-1"}, {"If-Range", "\"other\""}};
  EXPECT_EQ(get(path, other).status, 200) << "a part would not fit what it has";
}

}  // namespace
}  // namespace pirouette::http
