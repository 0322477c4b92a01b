// References by the SHA-256 of what was sent: checked, kept, known again.

#include <fstream>

#include "common/picture_head.h"
#include "coordinator/http/reference_records.h"
#include "tests/unit/http/small_farm.h"

namespace pirouette::http {
namespace {

class References : public SmallFarm {
 protected:
  static std::string path_of(const std::string& bytes) {
    return "/api/v1/references/" + to_hex(sha256(bytes));
  }
  httplib::Response put(const std::string& path, const std::string& bytes) {
    const auto answer = client_->Put(path, bytes, "application/octet-stream");
    EXPECT_TRUE(answer) << httplib::to_string(answer.error());
    return answer ? *answer : httplib::Response();
  }
  static std::string detail(const httplib::Response& answer) {
    const json problem = json::parse(answer.body, nullptr, false);
    return problem.is_object() ? problem.value("detail", "") : answer.body;
  }

  const std::string photo_ = "\xff\xd8knight";  // becomes picture("knight")
};

TEST_F(References, WhatWasSentIsKeptBesideWhatItBecame) {
  const httplib::Response sent = put(path_of(photo_), photo_);
  EXPECT_EQ(sent.status, 201);
  const json answer = json::parse(sent.body);
  EXPECT_EQ(answer, json({{"digest", to_hex(sha256(picture("knight")))},
                          {"original", to_hex(sha256(photo_))},
                          {"width", 64},
                          {"height", 96},
                          {"crop", nullptr},
                          {"warnings", json::array()}}));
  EXPECT_EQ(get("/api/v1/blobs/" + answer["digest"].get<std::string>()).body, picture("knight"));
  EXPECT_EQ(get("/api/v1/blobs/" + answer["original"].get<std::string>()).body, photo_);
}

TEST_F(References, TwiceIsAsOnceAndIsNotDecodedAgain) {
  const httplib::Response unknown = get(path_of(photo_));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_NE(detail(unknown).find("PUT"), std::string::npos);
  const std::string answer = put(path_of(photo_), photo_).body;
  const httplib::Response again = put(path_of(photo_), photo_);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, answer);
  EXPECT_EQ(get(path_of(photo_)).body, answer);
  EXPECT_EQ(post_to("/api/v1/references", photo_).body, answer) << "one way of taking them in";
  EXPECT_EQ(references_made_, 1);
}

TEST_F(References, OtherBytesThanNamedAreRefused) {
  const httplib::Response refused = put(path_of(photo_), picture("witch"));
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(detail(refused).find("are not the picture that was named"), std::string::npos);
  EXPECT_NE(detail(refused).find(to_hex(sha256(picture("witch")))), std::string::npos);
  EXPECT_EQ(get(path_of(picture("witch"))).status, 404);
  EXPECT_EQ(put("/api/v1/references/knight", photo_).status, 400);
  EXPECT_EQ(get("/api/v1/references/knight").status, 400);
}

TEST_F(References, WhatCannotBeUsedIsRefusedAndNotKept) {
  const std::string text = "this is not a picture";
  const httplib::Response refused = put(path_of(text), text);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(detail(refused), "This cannot be used as a reference: unknown format.");
  EXPECT_EQ(get(path_of(text)).status, 404);
  EXPECT_EQ(client_->Head("/api/v1/blobs/" + to_hex(sha256(text)))->status, 404);
  EXPECT_EQ(post_to("/api/v1/references", text).status, 400);
}

TEST_F(References, TooManyBytesAreRefused) {
  const std::string huge(kReferenceMaxBytes + 1, 'x');
  EXPECT_EQ(put(path_of(huge), huge).status, 413);
}

TEST_F(References, ALostOrDamagedRecordCostsSendingThePictureAgain) {
  const std::string answer = put(path_of(photo_), photo_).body;
  const std::string name = to_hex(sha256(photo_));
  const auto file = folder_ / "references" / name.substr(0, 2) / (name + ".json");
  ASSERT_TRUE(std::filesystem::exists(file));
  for (const char* damage : {"", "{", "[]", "{\"making\": 1}", "{\"making\": 1, \"digest\": 7}"}) {
    std::ofstream(file) << damage;
    EXPECT_EQ(get(path_of(photo_)).status, 404) << damage;
    const httplib::Response again = put(path_of(photo_), photo_);
    EXPECT_EQ(again.status, 201);
    EXPECT_EQ(again.body, answer);
  }
  std::filesystem::remove(blobs_->path(sha256(picture("knight"))));
  EXPECT_EQ(get(path_of(photo_)).status, 404) << "its picture is gone";
  EXPECT_EQ(put(path_of(photo_), photo_).status, 201);
}

TEST_F(References, ARecordOutlivesTheServerUnlessPicturesAreMadeAnotherWay) {
  ReferenceRecord record;
  record.original = sha256("sent");
  record.digest = sha256("made");
  record.width = 91;
  record.crop = Reference::Crop{51, 31, 91, 238};
  record.warnings = {"the figure is small"};
  ASSERT_TRUE(ReferenceRecords(folder_ / "records", 1).keep(record).ok());
  const auto found = ReferenceRecords(folder_ / "records", 1).find(record.original);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(to_json(*found), to_json(record));
  EXPECT_EQ(json::parse(to_json(record))["crop"],
            json({{"x", 51}, {"y", 31}, {"w", 91}, {"h", 238}}));
  EXPECT_FALSE(ReferenceRecords(folder_ / "records", 2).find(record.original).has_value());
}

}  // namespace
}  // namespace pirouette::http
