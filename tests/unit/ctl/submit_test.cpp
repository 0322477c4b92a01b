// `pirouette submit`: from what a studio has to what the server is sent.

#include <pwd.h>

#include "coordinator/ctl/submission.h"
#include "tests/unit/ctl/served.h"

namespace pirouette::ctl {
namespace {

class Submit : public CtlSubmits {
 protected:
  // What is submitted, or why not.
  Result<Submission> read(const std::string& what) {
    SubmitOptions options;
    options.what = folder_ / "in" / what;
    return read_submission(options, Instant{1'770'000'000'000'000});
  }
  std::string refusal(const std::string& what) {
    const auto submission = read(what);
    EXPECT_FALSE(submission.ok());
    return submission.ok() ? "" : submission.error().what;
  }
};

// --- folders ---

TEST_F(Submit, CharactersAreFilesByNameWithTheirNotes) {
  write("b witch.PNG", png_of("b"));
  write("a.jpg", png_of("a"));
  write("a.txt", "  red cape \n");
  write("notes.md", "x");
  const BatchSpec batch = read("").value().batch;
  ASSERT_EQ(batch.sheets.size(), 2u);
  EXPECT_EQ(batch.sheets[0].character, "a");
  EXPECT_EQ(batch.sheets[0].notes, "red cape");
  EXPECT_EQ(batch.sheets[1].character, "b witch");
  EXPECT_EQ(batch.name, "in");
  write("A.webp", png_of("c"));
  EXPECT_NE(refusal("").find("a.jpg: would be the same character as A.webp"), std::string::npos)
      << refusal("");
}

TEST_F(Submit, CharactersKeepTheirScript) {
  for (const char* name : {"李.png", "王.png", "Zoë.png"}) write(name, png_of(name));
  const BatchSpec batch = read("").value().batch;
  ASSERT_EQ(batch.sheets.size(), 3u);
  EXPECT_EQ(batch.sheets[0].character, "Zoë");
  EXPECT_EQ(batch.sheets[1].character, "李");
  write("a .png", png_of("a"));
  EXPECT_NE(refusal("").find("a dot or a space"), std::string::npos);
}

TEST_F(Submit, EverythingThatIsWrongInAFolderIsNamedAtOnce) {
  write("good.png", png_of("good"));
  write("text.png", "this is not a picture");
  write("huge.png", png_of("huge", 10'000, 10'000));
  write("gif.webp", "GIF89a");
  write(" spaced .png", png_of("spaced"));
  write("good.txt", "\xff\xfe");
  write("recipe.json", "{}");
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::failed);
  for (const char* words :
       {"5 things are wrong, so nothing was submitted",
        "text.png: this is no picture but text; PNG, JPEG and WebP are accepted",
        "huge.png: the picture is 10000x10000 (100 megapixels)",
        "gif.webp: this is no picture but a GIF",
        " spaced .png: the file's name is the character's", "good.txt: is not UTF-8 text"}) {
    EXPECT_NE(err_.str().find(words), std::string::npos) << words << "\nnot in: " << err_.str();
  }
  EXPECT_EQ(asked_, 0) << "nothing is sent before all of it is good";
  EXPECT_TRUE(batch_.is_null());
}

TEST_F(Submit, AnEmptyFolderFailsWithWhatIsMissing) {
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::failed);
  EXPECT_NE(err_.str().find("empty of pictures"), std::string::npos) << err_.str();
  EXPECT_NE(err_.str().find(".png"), std::string::npos) << err_.str();
  EXPECT_EQ(type({"submit", folder_ / "nowhere"}), Exit::failed);
  EXPECT_NE(err_.str().find("there is no "), std::string::npos) << err_.str();
}

// --- JSON ---

TEST_F(Submit, ABatchFileIsTheApisBatchWithPathsInIt) {
  write("knight.png", png_of("knight"));
  write("own.json", R"({"steps": 8})");
  write("night.json", R"({"owner": "studio", "priority": 70, "recipe": "own.json", "sheets": [
    {"character": "knight", "reference": "knight.png", "pose_set": ["front"], "priority": 3},
    {"character": "witch", "reference": ")" +
                          std::string(64, 'a') + R"("}]})");
  const Submission submission = read("night.json").value();
  EXPECT_EQ(submission.batch.name, "night");
  EXPECT_EQ(submission.batch.owner, "studio");
  EXPECT_EQ(submission.batch.priority, 70);
  EXPECT_EQ(submission.batch.recipe.steps, 8);
  EXPECT_EQ(submission.batch.sheets[0].priority, 3);
  EXPECT_EQ(submission.batch.sheets[0].views, std::vector<std::uint32_t>{0});
  EXPECT_EQ(submission.pictures[0].original, sha256(png_of("knight")));
  EXPECT_EQ(to_hex(submission.batch.sheets[1].reference), std::string(64, 'a'));
  EXPECT_TRUE(submission.pictures[1].file.empty());
}

TEST_F(Submit, WhatIsWrongInABatchFileIsNamedAtOnce) {
  write("text.png", "text");
  write("batch.json", R"({"name": "x", "priority": 101, "deadline": "soon", "recipe": {"steps": 0},
    "sheets": [{"character": "a", "reference": "gone.png"},
               {"character": "b", "reference": "text.png", "pose_set": "std7"}]})");
  const std::string said = refusal("batch.json");
  for (const char* words :
       {"batch.json: sheets[0].reference: there is no file ",
        "batch.json: sheets[1].reference: this is no picture but text", "priority must be",
        "recipe.steps must be", "sheets[1].pose_set cannot be used",
        "the deadline \"soon\" is no time"}) {
    EXPECT_NE(said.find(words), std::string::npos) << words << "\nnot in: " << said;
  }
  write("twice.json", "{\"name\": 1,\n \"name\": 2}");
  EXPECT_NE(refusal("twice.json").find("gives the field \"name\" twice"), std::string::npos);
}

TEST_F(Submit, WhatItIsIsToldByContent) {
  write("knight.png", png_of("knight"));
  write("a.txt", R"({"sheets": [{"character": "knight", "reference": "knight.png"}]})");
  write("b.txt", "character\nknight\n");
  EXPECT_EQ(read("a.txt").value().batch.sheets[0].character, "knight");
  EXPECT_EQ(read("b.txt").value().batch.sheets[0].character, "knight");
  EXPECT_NE(refusal("knight.png").find("is a picture; name the folder"), std::string::npos);
  write("c.csv", std::string("\xff\xfe"
                             "c\0",
                             4));
  EXPECT_NE(refusal("c.csv").find("UTF-16"), std::string::npos);
  write("d.xlsx", std::string("PK\x03\x04\0\0", 6));
  EXPECT_NE(refusal("d.xlsx").find("neither a CSV nor JSON"), std::string::npos);
}

// --- what is sent ---

TEST_F(Submit, ReferencesAreNamedAsTheServerNamesThem) {
  write("a.png", png_of("new"));
  write("b.png", png_of("known"));
  became_[to_hex(sha256(png_of("known")))] = to_hex(sha256("what it became"));
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::ok) << err_.str();
  EXPECT_EQ(references_, std::vector<std::string>{png_of("new")}) << "only what is missing";
  EXPECT_EQ(batch_["sheets"][0]["reference"], to_hex(sha256("png of " + png_of("new"))));
  EXPECT_EQ(batch_["sheets"][0]["original"], to_hex(sha256(png_of("new"))));
  EXPECT_EQ(batch_["sheets"][1]["reference"], to_hex(sha256("what it became")));
}

TEST_F(Submit, UncroppedReferencesAreWhatWasSent) {
  write("a.png", png_of("new"));
  write("b.png", png_of("known"));
  became_[to_hex(sha256(png_of("known")))] = to_hex(sha256("what it became"));
  EXPECT_EQ(type({"submit", folder_ / "in", "--uncropped"}), Exit::ok) << err_.str();
  EXPECT_EQ(references_, std::vector<std::string>{png_of("new")});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(batch_["sheets"][i]["reference"], to_hex(sha256(png_of(i == 0 ? "new" : "known"))));
    EXPECT_EQ(batch_["sheets"][i]["original"], batch_["sheets"][i]["reference"]);
  }
}

TEST_F(Submit, UncroppedReferencesArePngs) {
  write("a.png", png_of("a"));
  write("b.jpg",
        std::string("\xff\xd8\xff\xc0\0\x11\x08\0\x40\0\x40\x03\1\x11\0\2\x11\0\3\x11\0", 21));
  EXPECT_NE(type({"submit", folder_ / "in", "--uncropped"}), Exit::ok);
  EXPECT_NE(err_.str().find("b.jpg: is no PNG"), std::string::npos) << err_.str();
  EXPECT_TRUE(batch_.is_null());
}

TEST_F(Submit, OnePictureOfManyCharactersIsSentOnce) {
  for (const char* name : {"a.png", "b.png", "c.png"}) write(name, png_of("same"));
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::ok) << err_.str();
  EXPECT_EQ(references_.size(), 1u);
  EXPECT_EQ(batch_["sheets"][2]["reference"], batch_["sheets"][0]["reference"]);
}

TEST_F(Submit, EveryPictureThatTheServerRefusesIsNamedAndNothingSubmitted) {
  write("a.png", png_of("1 broken"));
  write("b.png", png_of("good"));
  write("c.png", png_of("2 broken"));
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::failed);
  EXPECT_EQ(references_.size(), 3u) << "one does not stop the others";
  EXPECT_NE(err_.str().find("a.png: This cannot be used as a reference."), std::string::npos);
  EXPECT_NE(err_.str().find("c.png: This cannot be used as a reference."), std::string::npos);
  EXPECT_TRUE(batch_.is_null());
}

TEST_F(Submit, WhatTheServerDoubtsIsAWarning) {
  write("a.png", png_of("a"));
  warning_ = "the figure is only 90 pixels high";
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::ok);
  EXPECT_NE(err_.str().find("pirouette: a.png: the figure is only 90 pixels high\n"),
            std::string::npos);
}

TEST_F(Submit, IsTriedAgainWithTheSameKey) {
  write("a.png", png_of("a"));
  busy_ = 2;
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::ok) << err_.str();
  ASSERT_EQ(keys_.size(), 3u);
  EXPECT_EQ(std::set<std::string>(keys_.begin(), keys_.end()).size(), 1u);
  EXPECT_EQ(keys_[0].size(), 32u);
  EXPECT_EQ(keys_[0].find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::ok) << err_.str();
  EXPECT_NE(keys_.back(), keys_[0]) << "another submission";
}

TEST_F(Submit, ASecondOneWithItsKeySaysWhichBatchThereIs) {
  write("a.png", png_of("a"));
  EXPECT_EQ(type({"submit", folder_ / "in", "--key", "monday"}), Exit::ok) << err_.str();
  EXPECT_NE(out_.str().find("batch 7 submitted: "), std::string::npos) << out_.str();
  EXPECT_EQ(type({"submit", folder_ / "in", "--key", "monday"}), Exit::ok) << err_.str();
  EXPECT_NE(out_.str().find("batch 7 was submitted with this key before: "), std::string::npos);
}

// As a restart looks to whoever sends just then: the connection breaks before there is an answer.
TEST_F(Submit, AServerThatBreaksOffIsAskedAgain) {
  write("a.png", png_of("a"));
  int broken = 0;
  server_.set_pre_routing_handler([&](const httplib::Request& request, auto& response) {
    if (request.method != "POST" || broken == 3) return httplib::Server::HandlerResponse::Unhandled;
    ++broken;
    response.set_content_provider(100, "application/json",
                                  [](std::size_t, std::size_t, auto&) { return false; });
    return httplib::Server::HandlerResponse::Handled;
  });
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::ok) << err_.str();
  EXPECT_EQ(broken, 3);
  EXPECT_EQ(batch_["sheets"].size(), 1u);
}

TEST_F(Submit, DeadlineNamePriorityAndOwnerAreSent) {
  write("a.png", png_of("a"));
  EXPECT_EQ(type({"submit", folder_ / "in", "--deadline", "2099-03-01T09:00:00+01:00", "--name",
                  "n", "--priority", "9", "--owner", "o"}),
            Exit::ok)
      << err_.str();
  EXPECT_EQ(batch_["deadline"], "2099-03-01T08:00:00.000Z");
  EXPECT_EQ(batch_["name"], "n");
  EXPECT_EQ(batch_["priority"], 9);
  EXPECT_EQ(batch_["owner"], "o");
  EXPECT_NE(out_.str().find("2099-03-01T08:00:00.000Z"), std::string::npos) << out_.str();
  EXPECT_EQ(type({"submit", folder_ / "in", "--deadline", "2020-03-01 09:00"}), Exit::failed);
  EXPECT_NE(err_.str().find("is past"), std::string::npos) << err_.str();
}

TEST_F(Submit, AWaitingBatchIsAWarning) {
  write("b.png", png_of("b"));
  serve("/api/v1/batches/7", R"({"state": "running", "jobs": 12, "waiting_for": "no model x"})");
  serve("/api/v1/batches/7/sheets", R"({"items": [], "next": null})");
  EXPECT_EQ(type({"submit", folder_ / "in"}), Exit::ok);
  EXPECT_EQ(err_.str(), "pirouette: waiting: no model x\n");
  EXPECT_EQ(type({"status", "7"}), Exit::ok) << err_.str();
  EXPECT_NE(out_.str().find("\nwaiting: no model x\n"), std::string::npos) << out_.str();
}

TEST_F(Submit, TheOwnerIsWhoRunsIt) {
  write("b.png", png_of("b"));
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

}  // namespace
}  // namespace pirouette::ctl
