// `pirouette lora` and `pirouette models`, and what a submission says of LoRAs.

#include "tests/unit/ctl/served.h"

namespace pirouette::ctl {
namespace {

std::string lora_file(const std::string& content) {
  const std::string header = R"({"x.lora_A.weight": {"dtype": "U8", "shape": [)" +
                             std::to_string(content.size()) + R"(], "data_offsets": [0, )" +
                             std::to_string(content.size()) + "]}}";
  return std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') + header + content;
}

class CtlLora : public CtlSubmits {
 protected:
  CtlLora() {
    server_.Get("/api/v1/loras/(.*)", [this](const auto& request, auto& response) {
      response.status = known_.contains(request.matches[1]) ? 200 : 404;
      if (response.status == 200) {
        response.set_content(known_[request.matches[1]].dump(), "application/json");
      }
    });
    server_.Put("/api/v1/loras/(.*)", [this](const auto& request, auto& response) {
      if (busy_ > 0) {
        --busy_;
        response.status = 503;
        return;
      }
      sent_.push_back(request.body);
      query_ = {request.params.begin(), request.params.end()};
      response.status = 201;
      const Json row{{"name", request.matches[1].str()},
                     {"bytes", request.body.size()},
                     {"sha256", to_hex(sha256(request.body))},
                     {"trigger", request.get_param_value("trigger")}};
      known_[request.matches[1]] = row;
      response.set_content(row.dump(), "application/json");
    });
    server_.Delete("/api/v1/loras/(.*)", [this](const auto& request, auto& response) {
      known_.erase(request.matches[1]);
      response.set_content(R"({"name": "ink"})", "application/json");
    });
  }

  std::map<std::string, Json> known_;
  std::vector<std::string> sent_;
  std::map<std::string, std::string> query_;
};

TEST_F(CtlLora, AddSendsTheFileOnce) {
  const std::string file = lora_file(std::string(700'000, 'w'));
  write("ink.safetensors", file);
  const std::string path = folder_ / "in" / "ink.safetensors";
  EXPECT_EQ(type({"lora", "add", "ink", path, "--trigger", "ink & wash"}), Exit::ok) << said();
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0], file);
  EXPECT_EQ(query_["sha256"], to_hex(sha256(file)));
  EXPECT_EQ(query_["trigger"], "ink & wash");
  EXPECT_FALSE(query_.contains("replace"));
  EXPECT_NE(out_.str().find("ink is registered: 700.1 kB, trigger \"ink & wash\""),
            std::string::npos)
      << out_.str();
  EXPECT_EQ(type({"lora", "add", "ink", path}), Exit::ok) << said();
  EXPECT_EQ(sent_.size(), 1u);
  EXPECT_NE(out_.str().find("already"), std::string::npos) << out_.str();
  EXPECT_EQ(type({"lora", "add", "ink", path, "--trigger", "wash", "--replace"}), Exit::ok);
  EXPECT_EQ(query_["replace"], "true");
}

TEST_F(CtlLora, AddTriesAgainWhileTheServerIsBusy) {
  write("ink.safetensors", lora_file("w"));
  busy_ = 2;
  EXPECT_EQ(type({"lora", "add", "ink", folder_ / "in" / "ink.safetensors"}), Exit::ok) << said();
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0], lora_file("w"));
}

TEST_F(CtlLora, ABrokenFileIsNotSent) {
  const std::string whole = lora_file("weights");
  write("ink.safetensors", whole.substr(0, whole.size() - 1));
  EXPECT_EQ(type({"lora", "add", "ink", folder_ / "in" / "ink.safetensors"}), Exit::failed);
  EXPECT_NE(err_.str().find("ink.safetensors: this is no LoRA file: "), std::string::npos)
      << err_.str();
  EXPECT_EQ(type({"lora", "add", "ink", folder_ / "in" / "none.safetensors"}), Exit::failed);
  EXPECT_EQ(type({"lora", "add", "ink", folder_ / "in"}), Exit::failed);
  EXPECT_NE(err_.str().find("adapter_model.safetensors"), std::string::npos) << err_.str();
  EXPECT_TRUE(sent_.empty());
}

TEST_F(CtlLora, RemoveTakesTheNameAway) {
  known_["ink"] = {{"name", "ink"}};
  EXPECT_EQ(type({"lora", "remove", "ink"}), Exit::ok) << said();
  EXPECT_TRUE(known_.empty());
}

TEST_F(CtlLora, ModelsShowsWhoHoldsThem) {
  serve("/api/v1/models", R"({
      "models": [{"name": "kontext", "workers": [{"worker": 1, "name": "gpu-1", "holds": "resident"},
                                                 {"worker": 2, "name": "gpu-2", "holds": "disk"}]}],
      "loras": [{"name": "ink", "registered": true, "sha256": "0123456789abcdef", "bytes": 171000000,
                 "trigger": "inked", "workers": [{"worker": 2, "name": "gpu-2", "holds": "cached"}]},
                {"name": "mine", "registered": false, "sha256": null, "bytes": null,
                 "trigger": null, "workers": []}]})");
  EXPECT_EQ(type({"models"}), Exit::ok) << said();
  for (const char* words : {"kontext  gpu-1 resident, gpu-2 disk", "0123456789", "171.0 MB",
                            "\"inked\"", "gpu-2 cached", "own folders"}) {
    EXPECT_NE(out_.str().find(words), std::string::npos) << words << "\n" << out_.str();
  }
}

TEST_F(CtlLora, ModelsOfAnEmptyFarmSaysWhatToDo) {
  serve("/api/v1/models", R"({"models": [], "loras": []})");
  EXPECT_EQ(type({"models"}), Exit::ok);
  EXPECT_NE(out_.str().find("pirouette lora add NAME FILE"), std::string::npos);
  EXPECT_NE(out_.str().find("pirouette-worker serve"), std::string::npos);
}

TEST_F(CtlLora, ARegisteredTriggerThatThePromptLacksIsWarnedAboutWetAndDry) {
  known_["ink"] = {{"name", "ink"}, {"trigger", "inked"}};
  write("knight.png", png_of("k"));
  write("recipe.json", R"({"loras": [{"name": "ink"}]})");
  const std::string recipe = folder_ / "in" / "recipe.json";
  for (const bool dry : {true, false}) {
    std::vector<std::string> arguments{"submit", folder_ / "in", "--recipe", recipe};
    if (dry) arguments.push_back("--dry-run");
    EXPECT_EQ(type(arguments), Exit::ok) << said();
    EXPECT_NE(err_.str().find("the LoRA ink was trained on the words \"inked\""), std::string::npos)
        << err_.str();
  }
  EXPECT_EQ(type({"submit", folder_ / "in", "--recipe", recipe, "--dry-run", "--json"}), Exit::ok);
  EXPECT_EQ(Json::parse(out_.str())["warnings"].size(), 1u);
  write("recipe.json", R"({"loras": [{"name": "ink", "trigger": "inked"}]})");
  EXPECT_EQ(type({"submit", folder_ / "in", "--recipe", recipe}), Exit::ok) << said();
  EXPECT_EQ(err_.str().find("trained on"), std::string::npos) << err_.str();
}

TEST_F(CtlLora, TheDryRunCountsTheWorkersWithRoomForIt) {
  known_["ink"] = {
      {"name", "ink"}, {"trigger", ""}, {"sha256", to_hex(sha256("ink"))}, {"bytes", 100u}};
  write("knight.png", png_of("k"));
  write("recipe.json", R"({"loras": [{"name": "ink"}], "steps": 12})");
  serve("/api/v1/batches", R"({"next": null, "items": [{"id": 8, "jobs_done": 2}]})");
  serve("/api/v1/batches/8", R"({"id": 8, "recipe": {"steps": 12}})");
  serve("/api/v1/batches/8/sheets", R"({"next": null, "items": [{"id": 31}]})");
  serve("/api/v1/sheets/31", R"({"poses": [{"metrics": {"seconds": 2}}]})");
  serve("/api/v1/health", R"({"queued": 0, "running": 0})");
  Json workers = Json::array();
  for (const std::uint64_t room : {0u, 99u, 100u}) {
    workers.push_back({{"id", 1},
                       {"state", "online"},
                       {"capacity", 1u},
                       {"models", Json::array({"flux1-kontext-dev"})},
                       {"loras", Json::array({"ink"})},
                       {"lora_cache_bytes", room}});
  }
  serve("/api/v1/workers", Json{{"items", workers}, {"next", nullptr}}.dump());
  EXPECT_EQ(
      type({"submit", folder_ / "in", "--recipe", folder_ / "in" / "recipe.json", "--dry-run"}),
      Exit::ok)
      << said();
  EXPECT_NE(out_.str().find("on the 1 worker that could take it"), std::string::npos) << out_.str();
}

}  // namespace
}  // namespace pirouette::ctl
