// Every route over a real connection: what it answers, and how it refuses.

#include "coordinator/core/ledger.h"
#include "tests/unit/http/small_farm.h"

namespace pirouette::http {
namespace {

void expect_problem(const httplib::Response& answer, int status, const std::string& words) {
  EXPECT_EQ(answer.status, status) << answer.body;
  EXPECT_EQ(answer.get_header_value("Content-Type"), "application/problem+json");
  const json problem = json::parse(answer.body, nullptr, false);
  ASSERT_TRUE(problem.is_object()) << answer.body;
  EXPECT_EQ(problem["status"], status);
  EXPECT_TRUE(problem["title"].is_string());
  EXPECT_NE(problem["detail"].get<std::string>().find(words), std::string::npos) << answer.body;
}

using Routes = SmallFarm;

TEST_F(Routes, ABlobIsGotBack) {
  const std::string bytes = picture("knight");
  const std::string name = to_hex(sha256(bytes));
  EXPECT_EQ(client_->Head("/api/v1/blobs/" + name)->status, 404);
  EXPECT_EQ(send_reference(bytes), name);
  EXPECT_EQ(client_->Head("/api/v1/blobs/" + name)->status, 200);
  const httplib::Response got = get("/api/v1/blobs/" + name);
  EXPECT_EQ(got.body, bytes);
  EXPECT_EQ(got.get_header_value("Content-Type"), "image/png");
  EXPECT_NE(got.get_header_value("Cache-Control").find("immutable"), std::string::npos);
  EXPECT_EQ(get("/api/v1/blobs/" + name, {{"If-None-Match", "\"" + name + "\""}}).status, 304);
  expect_problem(get("/api/v1/blobs/abc"), 400, "64");
}

TEST_F(Routes, ABlobComesInRanges) {
  const std::string bytes = picture("0123456789");
  const std::string path = "/api/v1/blobs/" + send_reference(bytes);
  const httplib::Response middle = get(path, {{"Range", "bytes=8-11"}});
  EXPECT_EQ(middle.status, 206);
  EXPECT_EQ(middle.body, "0123");
  EXPECT_EQ(middle.get_header_value("Content-Range"), "bytes 8-11/18");
  EXPECT_EQ(get(path, {{"Range", "bytes=-2"}}).body, "89");
  EXPECT_EQ(get(path, {{"Range", "bytes=16-999"}}).body, "89");
  expect_problem(get(path, {{"Range", "bytes=18-"}}), 416, "18 bytes");
  EXPECT_EQ(get(path, {{"Range", "bytes=0-1,0-1,0-1"}}).body, bytes);
}

TEST_F(Routes, AThumbnailIsMadeOnce) {
  const std::string bytes = picture("knight");
  const std::string path = "/api/v1/blobs/" + to_hex(sha256(bytes)) + "/thumbnail";
  expect_problem(get(path), 404, "no blob");
  send_reference(bytes);
  EXPECT_EQ(get(path + "?height=100").body, picture("100"));
  EXPECT_EQ(get(path + "?height=100").body, picture("100"));
  EXPECT_EQ(thumbnails_made_, 1);
  expect_problem(get(path + "?height=100000"), 400, "between");
}

TEST_F(Routes, ABatchIsSubmittedAndShown) {
  const std::uint64_t id = submit({"knight", "witch"});
  const json batch = get_json("/api/v1/batches/" + std::to_string(id));
  EXPECT_EQ(batch["name"], "night");
  EXPECT_EQ(batch["jobs"], 4);
  EXPECT_EQ(batch["state"], "running");
  EXPECT_TRUE(batch["seconds_left"].is_null());
  EXPECT_EQ(batch["recipe"]["pose_set"][1]["id"], "back");
  const json list = get_json("/api/v1/batches");
  EXPECT_EQ(list["items"].size(), 1u);
  EXPECT_TRUE(list["next"].is_null());
}

TEST_F(Routes, ABatchThatWaitsSaysForWhat) {
  const std::string path = "/api/v1/batches/" + std::to_string(submit({"knight"}));
  const auto waiting = [&] { return get_json(path)["waiting_for"]; };
  EXPECT_EQ(waiting(), "no worker is online; start one with pirouette-worker serve");
  const auto join = [&](std::vector<std::string> models, std::uint32_t capacity) {
    core::WorkerSaidHello hello;
    hello.link = kLink;
    hello.name = "gpu-1";
    hello.capacity = capacity;
    hello.models = std::move(models);
    post(hello);
  };
  join({"b", "a"}, 1);
  EXPECT_EQ(waiting(), "no online worker has the model flux1-kontext-dev; there are: a, b");
  EXPECT_EQ(get_json("/api/v1/batches")["items"][0]["waiting_for"], waiting());
  join({"flux1-kontext-dev"}, 0);
  EXPECT_NE(waiting().get<std::string>().find("take no work"), std::string::npos);
  join({"flux1-kontext-dev"}, 1);
  EXPECT_TRUE(waiting().is_null()) << "one is rendered";
  submit({"witch"});
  EXPECT_EQ(get_json("/api/v1/batches")["items"][0]["waiting_for"],
            "the workers that could take it are resting or full");
}

TEST_F(Routes, ABatchThatIsAllHeldWaitsForAPerson) {
  json batch{{"name", "night"}, {"recipe", {{"pose_set", "std6"}, {"proof", "front"}}}};
  batch["sheets"].push_back(
      {{"character", "knight"}, {"reference", send_reference(picture("knight"))}});
  ASSERT_EQ(post_to("/api/v1/batches", batch.dump()).status, 201);
  EXPECT_EQ(get_json("/api/v1/batches/1")["waiting_for"],
            "no worker is online; start one with pirouette-worker serve")
      << "the front view waits for one";
  join_worker("gpu-1");
  finish_one();
  const core::AssembleSheet task = tasks_.front();
  post(core::SheetAssembled{task.sheet, task.version, sha256("s"), sha256("t"),
                            R"([{"view": "front", "kind": "flat", "detail": "it is flat"}])"});
  const std::string waits =
      "a person: of each character that is held, the front view is not found good yet; "
      "approve it to have the others rendered, or ask for another take of it";
  EXPECT_EQ(get_json("/api/v1/batches/1")["waiting_for"], waits);
  EXPECT_EQ(get_json("/api/v1/batches")["items"][0]["waiting_for"], waits);
  EXPECT_EQ(get_json("/api/v1/batches/1/explain")["sentence"], "Batch 1 waits for " + waits + ".");
  ASSERT_EQ(post_to("/api/v1/poses/1/approve").status, 200);
  EXPECT_TRUE(get_json("/api/v1/batches/1")["waiting_for"].is_null()) << "the next is rendered";
}

TEST_F(Routes, ABatchOfAFarmThatIsStoppedSaysSo) {
  submit({"knight"});
  core::LedgerRow row;
  row.id = {newest_.value + 1};
  row.kind = core::ledger::kFarmStopped;
  row.detail = "nobody made a picture since";
  ASSERT_TRUE(store_->commit(std::vector<core::Write>{core::AppendEvent{row}}).ok());
  const std::string waits =
      "no work is given out: nobody made a picture since; mend that, and the next job that is "
      "tried sets it going again (at the latest after eight minutes, or once any worker is "
      "restarted)";
  EXPECT_EQ(get_json("/api/v1/batches/1")["waiting_for"], waits);
  EXPECT_EQ(get_json("/api/v1/batches")["items"][0]["waiting_for"], waits);
}

TEST_F(Routes, ABatchWithoutItsLoraSaysWhich) {
  const json batch{
      {"name", "night"},
      {"recipe", {{"loras", {{{"name", "ink"}}}}}},
      {"sheets", {{{"character", "knight"}, {"reference", send_reference(picture("knight"))}}}}};
  ASSERT_EQ(post_to("/api/v1/batches", batch.dump()).status, 201);
  join_worker("gpu-1");
  EXPECT_EQ(get_json("/api/v1/batches/1")["waiting_for"],
            "no online worker has the LoRA ink; there are none");
}

TEST_F(Routes, ListsComeInPages) {
  for (int i = 0; i < 3; ++i) submit({"knight"});
  const json first = get_json("/api/v1/batches?limit=2");
  ASSERT_EQ(first["items"].size(), 2u);
  EXPECT_EQ(first["items"][0]["id"], 3);
  const json second =
      get_json("/api/v1/batches?limit=2&after=" + std::to_string(first["next"].get<int>()));
  ASSERT_EQ(second["items"].size(), 1u);
  EXPECT_EQ(second["items"][0]["id"], 1);
  expect_problem(get("/api/v1/batches?limit=501"), 400, "500");
  expect_problem(get("/api/v1/batches?after=x"), 400, "after=x");
}

TEST_F(Routes, ABatchWithoutItsReferencesIsRefusedByName) {
  const json batch{{"name", "night"},
                   {"sheets", {{{"character", "knight"}, {"reference", to_hex(sha256("gone"))}}}}};
  expect_problem(post_to("/api/v1/batches", batch.dump()), 422, "knight");
  expect_problem(post_to("/api/v1/batches", "{\"name\": 7"), 400, "");
  const auto text = client_->Post("/api/v1/batches", batch.dump(), "text/plain");
  expect_problem(*text, 415, "application/json");
  EXPECT_TRUE(get_json("/api/v1/batches")["items"].empty());
}

TEST_F(Routes, AnotherSitesPageChangesNothing) {
  const std::uint64_t id = submit({"knight"});
  const std::string path = "/api/v1/batches/" + std::to_string(id) + "/cancel";
  expect_problem(post_to(path, "", {{"Origin", "http://evil.example"}}), 403, "another site");
  const std::string own = "http://127.0.0.1:" + std::to_string(http_->port());
  EXPECT_EQ(post_to(path, "", {{"Origin", own}}).status, 202);
}

TEST_F(Routes, ABatchIsCancelledOnceItIsThere) {
  expect_problem(post_to("/api/v1/batches/9/cancel"), 404, "9");
  expect_problem(post_to("/api/v1/batches/nine/cancel"), 404, "nine");
  const std::uint64_t id = submit({"knight"});
  EXPECT_EQ(post_to("/api/v1/batches/" + std::to_string(id) + "/cancel").status, 202);
  EXPECT_EQ(get_json("/api/v1/batches/" + std::to_string(id))["state"], "cancelled");
}

TEST_F(Routes, SheetsShowTheirPosesAndProgress) {
  const std::uint64_t id = submit({"knight", "witch"});
  join_worker("gpu-1");
  ASSERT_EQ(assigned_.size(), 1u);
  post(core::LeaseProgressed{kLink, assigned_[0].lease, 3, 24});
  const json sheets = get_json("/api/v1/batches/" + std::to_string(id) + "/sheets?limit=1");
  ASSERT_EQ(sheets["items"].size(), 1u);
  EXPECT_FALSE(sheets["next"].is_null());
  const json& sheet = sheets["items"][0];
  EXPECT_EQ(sheet["character"], "knight");
  ASSERT_EQ(sheet["poses"].size(), 2u);
  EXPECT_EQ(sheet["poses"][0]["state"], "leased");
  EXPECT_EQ(sheet["poses"][0]["worker"], "gpu-1");
  EXPECT_EQ(sheet["poses"][0]["progress"], json({{"step", 3}, {"of", 24}}));
  EXPECT_TRUE(sheet["poses"][1]["progress"].is_null());
  EXPECT_FALSE(sheet["poses"][0].contains("prompt"));

  const json alone = get_json("/api/v1/sheets/" + std::to_string(sheet["id"].get<int>()));
  EXPECT_NE(alone["poses"][0]["prompt"].get<std::string>().find("front view"), std::string::npos);
  EXPECT_TRUE(alone["poses"][0]["seed"].is_number_unsigned());
  expect_problem(get("/api/v1/sheets/99"), 404, "99");
  expect_problem(get("/api/v1/batches/99/sheets"), 404, "99");
}

TEST_F(Routes, WorkersShowWhatTheyRenderAndAreDrained) {
  submit({"knight"});
  join_worker("gpu-1");
  post(core::WorkerWasHeard{
      kLink, R"({"model": "m", "counters": {"model_loads_total": 1, "out_of_memory_total": 2}})"});
  post(core::Ticked{});  // heartbeats reach the disk with the clock
  const json workers = get_json("/api/v1/workers");
  ASSERT_EQ(workers["items"].size(), 1u);
  const json& worker = workers["items"][0];
  EXPECT_EQ(worker["state"], "online");
  EXPECT_EQ(worker["residency"]["model"], "m");
  ASSERT_EQ(worker["leases"].size(), 1u);
  EXPECT_EQ(worker["leases"][0]["character"], "knight");
  EXPECT_EQ(worker["leases"][0]["view_id"], "front");
  const std::string metrics = get("/metrics").body;
  for (const char* line : {"pirouette_worker_model_loads_total{worker=\"gpu-1\"} 1\n",
                           "pirouette_worker_out_of_memory_total{worker=\"gpu-1\"} 2\n"})
    EXPECT_NE(metrics.find(line), std::string::npos) << line;

  EXPECT_EQ(post_to("/api/v1/workers/1/drain").status, 202);
  EXPECT_EQ(get_json("/api/v1/workers")["items"][0]["state"], "draining");
  expect_problem(post_to("/api/v1/workers/7/drain"), 404, "7");
}

TEST_F(Routes, ADeliveryNamesFilesAndGaps) {
  const std::uint64_t id = submit({"knight"});
  const std::string path = "/api/v1/batches/" + std::to_string(id) + "/delivery";
  EXPECT_FALSE(get_json(path)["complete"].get<bool>());
  join_worker("gpu-1", 2);
  finish_one();
  finish_one();
  assemble_one();
  const json delivery = get_json(path);
  EXPECT_TRUE(delivery["complete"].get<bool>()) << delivery.dump(1);
  ASSERT_EQ(delivery["files"].size(), 4u);
  EXPECT_EQ(delivery["files"][0]["path"], "sheets/knight_v001.png");
  EXPECT_EQ(delivery["files"][2]["path"], "views/knight_front_v001.png");
  EXPECT_EQ(delivery["files"][2]["bytes"], picture("job1").size());
  EXPECT_EQ(delivery["manifest"]["sheets"][0]["views"][0]["worker"], "gpu-1");
  EXPECT_EQ(delivery["manifest"]["sheets"][0]["views"][0]["metrics"]["seconds"], 1.5);
  expect_problem(get("/api/v1/batches/99/delivery"), 404, "99");
}

TEST_F(Routes, HealthAndMetricsCountTheFarm) {
  submit({"knight"});
  const json health = get_json("/api/v1/health");
  EXPECT_EQ(health["status"], "ok");
  EXPECT_EQ(health["queued"], 2);
  EXPECT_EQ(health["workers_online"], 0);
  EXPECT_TRUE(health["database"]["wal_bytes"].is_number_unsigned());
  const std::string metrics = get("/metrics").body;
  EXPECT_NE(metrics.find("pirouette_jobs{state=\"queued\"} 2\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("route=\"/api/v1/batches\",status=\"201\"} 1\n"), std::string::npos);
  EXPECT_NE(metrics.find("# TYPE pirouette_http_requests_total counter"), std::string::npos);
}

TEST_F(Routes, UnknownPathsShowThePageButNotUnderTheApi) {
  const httplib::Response page = get("/batches/7");
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.get_header_value("Content-Type").find("text/html"), std::string::npos);
  EXPECT_EQ(page.get_header_value("X-Content-Type-Options"), "nosniff");
  EXPECT_NE(page.get_header_value("Content-Security-Policy").find("default-src 'self'"),
            std::string::npos);
  EXPECT_EQ(get("/", {{"If-None-Match", page.get_header_value("ETag")}}).status, 304);
  expect_problem(get("/api/v1/nothing"), 404, "/api/v1/nothing");
  expect_problem(get("/assets/gone.js"), 404, "gone.js");
  expect_problem(get("/" + std::string(600, 'a')), 414, "longer");
}

TEST_F(Routes, AWrongMethodIsToldTheRightOne) {
  const auto answer = client_->Delete("/api/v1/batches");
  expect_problem(*answer, 405, "DELETE");
  EXPECT_EQ(answer->get_header_value("Allow"), "POST, GET");
  expect_problem(post_to("/api/v1/nothing", "{}"), 405, "POST");
}

TEST_F(Routes, AnUnreadBodyIsNotTheNextRequest) {
  client_->set_keep_alive(true);
  expect_problem(post_to("/api/v1/nothing", "GET /api/v1/health HTTP/1.1\r\n\r\n"), 405, "POST");
  EXPECT_EQ(get("/api/v1/batches").status, 200);
}

TEST_F(Routes, StoppingAnswersWhoWaits) {
  answers_ = false;
  std::thread stopper([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    http_->stop();
  });
  const auto answer = client_->Post("/api/v1/batches/1/cancel", "", "application/json");
  stopper.join();
  ASSERT_TRUE(answer);
  expect_problem(*answer, 503, "stopped");
}

}  // namespace
}  // namespace pirouette::http
