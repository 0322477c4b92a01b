// A whole farm proves; each kind of damage, done to the database or the folder behind the farm's
// back, is found as that and as nothing else.

#include <SQLiteCpp/SQLiteCpp.h>

#include <fstream>

#include "tests/unit/http/small_farm.h"

namespace pirouette::http {
namespace {

class Verification : public SmallFarm {
 protected:
  // Sheet 1 with poses and jobs 1 and 2, both done by worker 1, and put together.
  void SetUp() override {
    SmallFarm::SetUp();
    submit({"knight"});
    join_worker("gpu-1", 2);
    finish_one();
    finish_one();
    assemble_one();
  }

  json verify(const std::string& query = "") {
    return get_json("/api/v1/batches/1/verification" + query);
  }
  void damage(const std::string& sql) {
    SQLite::Database database(folder_ / "farm.db", SQLite::OPEN_READWRITE);
    ASSERT_GT(database.exec(sql), 0) << sql;
  }
  std::filesystem::path blob_of_job(int job) const {
    return blobs_->path(sha256(picture("job" + std::to_string(job))));
  }

  // Exactly one finding, of this kind, that says what to do.
  void expect_only(const std::string& kind, const json& ids) {
    const json findings = verify()["findings"];
    ASSERT_EQ(findings.size(), 1u) << findings.dump(1);
    EXPECT_EQ(findings[0]["kind"], kind);
    EXPECT_EQ(findings[0]["ids"], ids) << findings.dump(1);
    EXPECT_NE(findings[0]["what"].get<std::string>().find("; "), std::string::npos);
  }
};

const std::string kEvent =
    "INSERT INTO event (id, at, kind, batch, sheet, pose, job, lease, worker, detail) SELECT 1000, "
    "at, kind, batch, sheet, pose, job, lease, worker, detail FROM event WHERE kind = 'job.done' "
    "AND job = 1";

TEST_F(Verification, WhatTheStudioSentIsProvenToo) {
  damage("UPDATE sheet SET original = CAST(zeroblob(31) || x'01' AS BLOB)");
  expect_only("blob_missing", {{"sheet", 1}, {"blob", std::string(62, '0') + "01"}});
}

TEST_F(Verification, AWholeFarmProves) {
  const json proof = verify();
  EXPECT_TRUE(proof["findings"].empty()) << proof.dump(1);
  EXPECT_EQ(proof["batch"], 1);
  EXPECT_EQ(proof["sheets"], 1);
  EXPECT_EQ(proof["jobs_done"], 2);
  EXPECT_EQ(proof["blobs"], 5) << "the reference, two views, the sheet and its small one";
  EXPECT_GT(proof["bytes"], 0);
  EXPECT_TRUE(proof["next"].is_null());
}

TEST_F(Verification, ComesInPages) {
  const std::uint64_t batch = submit({"witch", "dragon", "ogre"});
  const std::string path = "/api/v1/batches/" + std::to_string(batch) + "/verification?limit=2";
  const json first = get_json(path);
  EXPECT_EQ(first["sheets"], 2);
  ASSERT_FALSE(first["next"].is_null());
  const json second = get_json(path + "&after=" + std::to_string(first["next"].get<int>()));
  EXPECT_EQ(second["sheets"], 1);
  EXPECT_TRUE(second["next"].is_null());
}

TEST_F(Verification, AnAcceptedResultThatIsNotThereIsFound) {
  damage("DELETE FROM event WHERE kind = 'job.done' AND job = 1");
  expect_only("accepted_missing", {{"sheet", 1}, {"pose", 1}, {"job", 1}});
}

TEST_F(Verification, ASecondAcceptedResultIsFound) {
  damage(kEvent);
  expect_only("accepted_twice", {{"sheet", 1}, {"pose", 1}, {"job", 1}});
}

TEST_F(Verification, AnAcceptedResultOfAJobThatIsNotDoneIsFound) {
  damage("UPDATE job SET state = 4 WHERE id = 2");
  damage("UPDATE pose SET chosen = NULL WHERE id = 2");
  damage("UPDATE batch SET jobs_done = 1, jobs_failed = 1");
  expect_only("accepted_not_done", {{"sheet", 1}, {"pose", 2}, {"job", 2}});
}

TEST_F(Verification, AnotherPictureThanTheAcceptedOneIsFound) {
  const Digest other = blobs_->put(bytes_of(picture("other"))).value();
  damage("UPDATE job SET result = x'" + to_hex(other) + "' WHERE id = 1");
  expect_only("result_differs", {{"sheet", 1}, {"pose", 1}, {"job", 1}, {"blob", to_hex(other)}});
}

TEST_F(Verification, ALeaseThatNeverWasIsFound) {
  damage("DELETE FROM lease WHERE job = 1");
  expect_only("lease_missing", {{"sheet", 1}, {"pose", 1}, {"job", 1}, {"worker", 1}});
}

TEST_F(Verification, TheWrongWorkerIsFound) {
  damage("UPDATE job SET worker = 2 WHERE id = 1");
  expect_only("wrong_worker", {{"sheet", 1}, {"pose", 1}, {"job", 1}, {"worker", 2}});
  damage("UPDATE job SET worker = 1 WHERE id = 1");
  damage("UPDATE lease SET worker = 2 WHERE job = 1");
  expect_only("wrong_worker", {{"sheet", 1}, {"pose", 1}, {"job", 1}, {"worker", 1}});
}

TEST_F(Verification, APoseThatShowsAnothersTakeIsFound) {
  damage("UPDATE pose SET chosen = 2 WHERE id = 1");
  expect_only("chosen_take", {{"sheet", 1}, {"pose", 1}, {"job", 2}});
}

TEST_F(Verification, APoseThatNamesAnothersTakeAsItsLatestIsFound) {
  damage("UPDATE pose SET latest = 2 WHERE id = 1");
  expect_only("latest_take", {{"sheet", 1}, {"pose", 1}, {"job", 2}});
}

TEST_F(Verification, AReadySheetWithoutItsPictureIsFound) {
  damage("UPDATE sheet SET picture = NULL");
  expect_only("sheet_without_picture", {{"sheet", 1}});
}

TEST_F(Verification, ABlobThatIsGoneIsFound) {
  std::filesystem::remove(blob_of_job(1));
  expect_only("blob_missing",
              {{"sheet", 1}, {"pose", 1}, {"job", 1}, {"blob", to_hex(sha256(picture("job1")))}});
}

TEST_F(Verification, AFlippedByteIsFound) {
  std::fstream file(blob_of_job(2), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(3);
  file.put('X');
  file.close();
  expect_only("blob_damaged",
              {{"sheet", 1}, {"pose", 2}, {"job", 2}, {"blob", to_hex(sha256(picture("job2")))}});
}

TEST_F(Verification, ALostReferenceAndALostSheetAreFound) {
  const auto reference = sha256(picture("knight"));
  std::filesystem::rename(blobs_->path(reference), folder_ / "kept");
  expect_only("blob_missing", {{"sheet", 1}, {"blob", to_hex(reference)}});
  std::filesystem::rename(folder_ / "kept", blobs_->path(reference));
  for (const char* name : {"sheet knight", "small knight"}) {
    const auto path = blobs_->path(sha256(picture(name)));
    std::filesystem::rename(path, folder_ / "kept");
    expect_only("blob_missing", {{"sheet", 1}, {"blob", to_hex(sha256(picture(name)))}});
    std::filesystem::rename(folder_ / "kept", path);
  }
}

TEST_F(Verification, AnEarlierVersionsPicturesAreProvenToo) {
  const Digest earlier = blobs_->put(bytes_of(picture("earlier sheet"))).value();
  damage("UPDATE sheet SET version = 2");
  damage(
      "INSERT INTO sheet_version SELECT sheet, 2, picture, thumbnail, checks FROM sheet_version");
  damage("UPDATE sheet_version SET picture = x'" + to_hex(earlier) + "' WHERE version = 1");
  EXPECT_TRUE(verify()["findings"].empty()) << verify().dump(1);
  std::filesystem::remove(blobs_->path(earlier));
  expect_only("blob_missing", {{"sheet", 1}, {"blob", to_hex(earlier)}});
}

TEST_F(Verification, AFolderThatCannotBeReadIsNotTakenForALostPicture) {
  const auto path = blob_of_job(1);
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  expect_only("blob_unreadable",
              {{"sheet", 1}, {"pose", 1}, {"job", 1}, {"blob", to_hex(sha256(picture("job1")))}});
}

TEST_F(Verification, AWrongCountIsFoundAndNamed) {
  for (const char* column : {"sheets", "sheets_open", "jobs", "jobs_done", "jobs_failed"}) {
    damage(std::string("UPDATE batch SET ") + column + " = " + column + " + 1");
    expect_only("count_differs", json::object());
    EXPECT_NE(verify()["findings"][0]["what"].get<std::string>().find(column), std::string::npos);
    damage(std::string("UPDATE batch SET ") + column + " = " + column + " - 1");
  }
}

}  // namespace
}  // namespace pirouette::http
