// What a dry run says: prompts, cost, time; and that it sends nothing.

#include "tests/unit/ctl/served.h"

namespace pirouette::ctl {
namespace {

class DryRun : public CtlSubmits {
 protected:
  void write_three() {
    write("chef.png", png_of("x"));
    write("chef.txt", "black clogs");
    write("knight.png", png_of("y"));
    write("knight.txt", "red cape");
    write("robot.png", png_of("z"));
  }
  int count(const std::string& words) const {
    int found = 0;
    const std::string text = out_.str();
    for (auto at = text.find(words); at != text.npos; at = text.find(words, at + 1)) ++found;
    return found;
  }
  Exit dry(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"submit", folder_ / "in", "--dry-run"});
    return type(std::move(more));
  }
  // A batch with one sheet of two rendered poses, 12 steps at the default size.
  void serve_measured() {
    serve("/api/v1/batches", R"({"next": null, "items": [{"id": 9, "jobs_done": 0},
                                                         {"id": 8, "jobs_done": 2}]})");
    serve("/api/v1/batches/8", R"({"id": 8, "recipe": {"steps": 12}})");
    serve("/api/v1/batches/8/sheets", R"({"next": null, "items": [{"id": 31}]})");
    serve("/api/v1/sheets/31", R"({"poses": [{"metrics": {"seconds": {"text": 1, "png": 2}}},
                                             {"metrics": null}, {"metrics": {"seconds": 5}}]})");
    serve("/api/v1/health", R"({"queued": 40, "running": 2})");
  }
  void serve_workers(int count) {
    Json workers = Json::array();
    for (int i = 0; i < count; ++i) {
      workers.push_back({{"id", i + 1},
                         {"state", "online"},
                         {"capacity", 1u},
                         {"models", Json::array({"flux1-kontext-dev"})},
                         {"loras", Json::array()}});
    }
    workers.push_back(
        {{"id", 99}, {"state", "online"}, {"capacity", 1u}, {"models", Json::array({"other"})}});
    serve("/api/v1/workers", Json{{"items", workers}, {"next", nullptr}}.dump());
  }
};

TEST_F(DryRun, SaysThePromptsAndSendsNothing) {
  write_three();
  EXPECT_EQ(dry(), Exit::ok) << err_.str();
  EXPECT_EQ(count("3 sheets of std6 (6 views)"), 1) << out_.str();
  EXPECT_EQ(count("black clogs"), 6) << out_.str();
  EXPECT_EQ(count("create a back view of this character"), 1) << out_.str();
  EXPECT_EQ(count("knight: red cape"), 1) << out_.str();
  EXPECT_EQ(count("robot: no notes"), 1) << out_.str();
  EXPECT_EQ(dry({"--json"}), Exit::ok) << err_.str();
  const Json said = Json::parse(out_.str());
  EXPECT_EQ(said["sheets"].size(), 3u);
  EXPECT_EQ(said["sheets"][1]["prompts"].size(), 6u);
  EXPECT_NE(said["sheets"][1]["prompts"]["back"].get<std::string>().find("red cape"),
            std::string::npos);
  EXPECT_EQ(said["cost"]["jobs"], 18u);
  EXPECT_TRUE(said["cost"]["seconds"].is_null());
  EXPECT_EQ(asked_, 0);
  EXPECT_TRUE(references_.empty());
  EXPECT_TRUE(batch_.is_null());
}

TEST_F(DryRun, SaysTheCost) {
  write_three();
  serve("/api/v1/batches", R"({"next": null, "items": []})");
  EXPECT_EQ(dry(), Exit::ok) << err_.str();
  // 18 jobs x 24 steps x 832 x 1248 pixels
  EXPECT_EQ(count("cost: 3 sheets, 18 jobs, 432 steps, 449 megapixel-steps\n"), 1) << out_.str();
  EXPECT_EQ(count("time: no measure yet"), 1) << out_.str();
  write("recipe.json", R"({"true_cfg": 2, "negative_prompt": "blur", "steps": 10})");
  EXPECT_EQ(dry({"--recipe", folder_ / "in" / "recipe.json"}), Exit::ok) << err_.str();
  EXPECT_EQ(count("18 jobs, 360 steps"), 1) << "a negative prompt doubles it: " << out_.str();
}

TEST_F(DryRun, EstimatesTheTimeByWhatLikeJobsTook) {
  write_three();
  serve_measured();
  serve_workers(2);
  EXPECT_EQ(dry(), Exit::ok) << err_.str();
  // Mean of 3 s and 5 s, twice the steps, 18 jobs on 2 workers.
  EXPECT_EQ(count("time: about 72 s on the 2 workers that could take it, at 8.0 s a job, as "
                  "measured in batch 8; 42 jobs of other batches share the farm just now\n"),
            1)
      << out_.str();
  EXPECT_EQ(dry({"--json"}), Exit::ok);
  EXPECT_EQ(Json::parse(out_.str())["cost"]["seconds"], 72);
}

TEST_F(DryRun, WithoutWorkersThereIsOnlyTheWork) {
  write_three();
  serve_measured();
  serve_workers(0);
  EXPECT_EQ(dry(), Exit::ok) << err_.str();
  EXPECT_EQ(count("of one worker at 8.0 s a job"), 1) << out_.str();
  EXPECT_EQ(count("no online worker could take it"), 1) << out_.str();
}

TEST_F(DryRun, NeedsNoServer) {
  write_three();
  url_ = "http://127.0.0.1:1";
  EXPECT_EQ(dry({"--deadline", "2099-01-01 09:00"}), Exit::ok) << err_.str();
  EXPECT_EQ(count("time: not known: cannot reach the coordinator"), 1) << out_.str();
  EXPECT_EQ(count("deadline: 2099-01-01 09:00"), 1) << out_.str();
}

TEST_F(DryRun, ChecksWhatASubmissionChecks) {
  write("a.png", "text");
  EXPECT_EQ(dry(), Exit::failed);
  EXPECT_NE(err_.str().find("a.png: this is no picture but text"), std::string::npos);
}

TEST_F(DryRun, ALoraWithoutItsWordsInThePromptIsADoubt) {
  write_three();
  write("recipe.json", R"({"loras": [{"name": "turnaround"}, {"name": "ink"}]})");
  EXPECT_EQ(dry({"--recipe", folder_ / "in" / "recipe.json"}), Exit::ok);
  EXPECT_NE(
      err_.str().find("the LoRA turnaround was trained on the words \"create turnaround sheet "
                      "of this character\", which are not in the prompt"),
      std::string::npos)
      << err_.str();
  EXPECT_EQ(err_.str().find("ink"), std::string::npos);
  write(
      "recipe.json",
      R"({"loras": [{"name": "turnaround", "trigger": "create turnaround sheet of this character"}]})");
  EXPECT_EQ(dry({"--recipe", folder_ / "in" / "recipe.json"}), Exit::ok);
  EXPECT_EQ(err_.str(), "");
}

}  // namespace
}  // namespace pirouette::ctl
