// What people change, over a real connection: what is answered, what it does, and how it refuses.

#include "tests/unit/http/small_farm.h"

namespace pirouette::http {
namespace {

class Changes : public SmallFarm {
 protected:
  json change(const std::string& path, const json& body, int status) {
    const httplib::Response answer = post_to("/api/v1" + path, body.dump());
    EXPECT_EQ(answer.status, status) << path << ": " << answer.body;
    return json::parse(answer.body, nullptr, false);
  }
  std::string refusal(const std::string& path, const json& body, int status) {
    return change(path, body, status).value("detail", "");
  }
  json sheet() { return get_json("/api/v1/sheets/1"); }

  // One character of two views, put together and settled.
  void finish_a_sheet() {
    submit({"knight"});
    join_worker("gpu-1", 2);
    finish_one();
    finish_one();
    assemble_one();
    ASSERT_TRUE(core_->state().batches.empty());
  }
};

TEST_F(Changes, APoseIsRerolledWithASeedAndANote) {
  finish_a_sheet();
  const json first = sheet();
  const json answer =
      change("/poses/2/reroll", {{"seed", 7}, {"note", "longer cape"}, {"by", "ada"}}, 202);
  EXPECT_EQ(answer, (json{{"pose", 2}, {"job", 3}, {"take", 2}}));
  ASSERT_EQ(assigned_.size(), 1u);
  EXPECT_EQ(assigned_[0].spec.seed, 7u);
  EXPECT_NE(assigned_[0].spec.prompt.find("longer cape"), std::string::npos);
  EXPECT_EQ(sheet()["state"], "rendering");
  EXPECT_EQ(sheet()["poses"][1]["picture"], first["poses"][1]["picture"]) << "shown until then";
  finish_one();
  ASSERT_EQ(tasks_.size(), 1u);
  EXPECT_EQ(tasks_[0].version, 2u);
  assemble_one();
  const json second = sheet();
  EXPECT_EQ(second["state"], "ready");
  EXPECT_NE(second["poses"][1]["picture"], first["poses"][1]["picture"]);
  EXPECT_EQ(second["poses"][0]["picture"], first["poses"][0]["picture"]);
  ASSERT_EQ(second["versions"].size(), 2u) << "earlier versions stay";
  EXPECT_EQ(second["versions"][0]["picture"], first["picture"]);
}

TEST_F(Changes, AnEarlierTakeIsShownAgain) {
  finish_a_sheet();
  const json first = sheet();
  change("/poses/1/reroll", json::object(), 202);
  finish_one();
  assemble_one();
  change("/poses/1/choose", {{"take", 1}}, 200);
  assemble_one();
  EXPECT_EQ(sheet()["poses"][0]["picture"], first["poses"][0]["picture"]);
  EXPECT_NE(refusal("/poses/1/choose", {{"take", 3}}, 404).find("no take 3"), std::string::npos);
  EXPECT_NE(refusal("/poses/1/choose", json::object(), 400).find("Take is missing"),
            std::string::npos);
}

TEST_F(Changes, PosesAndSheetsAreReviewed) {
  finish_a_sheet();
  change("/poses/1/approve", {{"by", "ada"}}, 200);
  EXPECT_EQ(sheet()["state"], "ready");
  change("/poses/2/reject", {{"note", "a hand is missing"}}, 200);
  EXPECT_EQ(sheet()["poses"][1]["review"], "rejected");
  EXPECT_EQ(sheet()["poses"][1]["review_note"], "a hand is missing");
  change("/sheets/1/approve", json::object(), 200);
  EXPECT_EQ(sheet()["state"], "approved");
  change("/poses/2/unreview", json::object(), 200);
  EXPECT_EQ(sheet()["state"], "ready");
  change("/sheets/1/reject", json::object(), 200);
  EXPECT_EQ(sheet()["poses"][0]["review"], "rejected");
}

TEST_F(Changes, ABatchIsPausedMovedAndResumed) {
  submit({"knight"});
  EXPECT_EQ(change("/batches/1/pause", json::object(), 200)["paused"], true);
  EXPECT_EQ(change("/batches/1/priority", {{"priority", 90}}, 200)["priority"], 90);
  join_worker("gpu-1");
  EXPECT_TRUE(assigned_.empty());
  const json batch = get_json("/api/v1/batches/1");
  EXPECT_EQ(batch["paused"], true);
  EXPECT_EQ(batch["priority"], 90);
  EXPECT_NE(batch["waiting_for"].get<std::string>().find("paused"), std::string::npos);
  const json why = get_json("/api/v1/jobs/1/explain");
  EXPECT_NE(why["sentence"].get<std::string>().find("paused"), std::string::npos) << why;
  EXPECT_EQ(post_to("/api/v1/batches/1/resume").status, 200) << "no body is needed";
  EXPECT_EQ(assigned_.size(), 1u);
}

TEST_F(Changes, ASheetIsCancelledAndTheBatchGoesOn) {
  submit({"knight", "witch"});
  change("/sheets/1/cancel", json::object(), 202);
  EXPECT_EQ(sheet()["state"], "cancelled");
  const json batch = get_json("/api/v1/batches/1");
  EXPECT_EQ(batch["state"], "running");
  EXPECT_EQ(batch["jobs_cancelled"], 2);
  EXPECT_NE(refusal("/sheets/1/cancel", json::object(), 409).find("cancelled already"),
            std::string::npos);
}

TEST_F(Changes, WhatIsWrongIsNamedAllAtOnce) {
  finish_a_sheet();
  const std::string wrong =
      refusal("/poses/1/reroll", {{"seed", -1}, {"nope", 1}, {"note", 5}}, 400);
  for (const char* field : {"seed", "nope", "note"}) {
    EXPECT_NE(wrong.find(field), std::string::npos) << wrong;
  }
  EXPECT_EQ(post_to("/api/v1/poses/1/reroll", "{").status, 400);
  for (const char* path : {"/poses/99/reroll", "/poses/0/approve", "/sheets/99/approve",
                           "/batches/99/pause", "/poses/x/reject"}) {
    EXPECT_EQ(post_to(std::string("/api/v1") + path).status, 404) << path;
  }
  EXPECT_EQ(post_to("/api/v1/batches/1/pause").status, 409) << "it is finished";
}

TEST_F(Changes, ABatchThatIsSentTwiceIsMadeOnce) {
  const json batch{
      {"name", "night"},
      {"sheets", {{{"character", "knight"}, {"reference", send_reference(picture("knight"))}}}}};
  const httplib::Headers key{{"Idempotency-Key", "6f1c"}};
  EXPECT_EQ(post_to("/api/v1/batches", batch.dump(), key).status, 201);
  const httplib::Response again = post_to("/api/v1/batches", batch.dump(), key);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json::parse(again.body)["batch"], 1);
  json other = batch;
  other["name"] = "day";
  EXPECT_EQ(post_to("/api/v1/batches", other.dump(), key).status, 409);
  EXPECT_EQ(post_to("/api/v1/batches", batch.dump(), {{"Idempotency-Key", "a b"}}).status, 400);
  EXPECT_EQ(get_json("/api/v1/batches")["items"].size(), 1u);
  EXPECT_EQ(post_to("/api/v1/batches", batch.dump()).status, 201) << "another without a key";
}

}  // namespace
}  // namespace pirouette::http
