// LoRAs over HTTP: registered once, refused when broken, pinned to their bytes at the submission.

#include "common/job/recipe.h"
#include "tests/unit/http/small_farm.h"

namespace pirouette::http {
namespace {

class Loras : public SmallFarm {
 protected:
  // A batch of one view that names the LoRA.
  httplib::Response submit_with(const json& lora, const std::string& prompt = "{triggers} {view}") {
    const json batch{
        {"name", "night"},
        {"recipe",
         {{"prompt", prompt},
          {"loras", {lora}},
          {"pose_set", {{{"id", "front"}, {"azimuth", 0}, {"name", "front view"}}}}}},
        {"sheets", {{{"character", "knight"}, {"reference", send_reference(picture("k"))}}}}};
    return post_to("/api/v1/batches", batch.dump());
  }
  json recipe_of(const httplib::Response& submitted) {
    EXPECT_EQ(submitted.status, 201) << submitted.body;
    const auto id = json::parse(submitted.body)["batch"].get<std::uint64_t>();
    return get_json("/api/v1/batches/" + std::to_string(id))["recipe"];
  }
  std::string detail(const httplib::Response& answer) { return json::parse(answer.body)["detail"]; }
  void join_worker_with_room(const std::string& name, std::uint64_t lora_cache_bytes,
                             std::vector<std::string> own = {}) {
    core::WorkerSaidHello hello;
    hello.link = kLink;
    hello.name = name;
    hello.capacity = 1;
    hello.models = {"flux1-kontext-dev"};
    hello.loras = std::move(own);
    hello.lora_cache_bytes = lora_cache_bytes;
    post(hello);
  }

  const std::string file_ = lora_file("one"), other_ = lora_file("two");
};

TEST_F(Loras, TwiceIsAsOnceAndOtherBytesNeedReplace) {
  const httplib::Response added = put_lora("ink", file_, "&trigger=inked&by=ada");
  ASSERT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(added.get_header_value("Location"), "/api/v1/loras/ink");
  const json row = get_json("/api/v1/loras/ink");
  EXPECT_EQ(row, json::parse(added.body));
  EXPECT_EQ(row["sha256"], to_hex(sha256(file_)));
  EXPECT_EQ(row["bytes"], file_.size());
  EXPECT_EQ(row["added_by"], "ada");
  EXPECT_TRUE(blobs_->read(sha256(file_)).ok());

  EXPECT_EQ(put_lora("ink", file_).status, 200);
  EXPECT_EQ(get_json("/api/v1/loras/ink"), row) << "a trigger that is not given stays";
  EXPECT_EQ(put_lora("ink", file_, "&trigger=washed").status, 200);
  EXPECT_EQ(get_json("/api/v1/loras/ink")["trigger"], "washed");

  const httplib::Response refused = put_lora("ink", other_);
  EXPECT_EQ(refused.status, 409);
  EXPECT_NE(detail(refused).find("stands for other bytes"), std::string::npos);
  EXPECT_EQ(put_lora("ink", other_, "&replace=true").status, 201);
  EXPECT_EQ(get_json("/api/v1/loras/ink")["sha256"], to_hex(sha256(other_)));
  EXPECT_EQ(get_json("/api/v1/loras")["items"].size(), 1u);
  EXPECT_TRUE(blobs_->read(sha256(file_)).ok()) << "older batches have it";
}

TEST_F(Loras, WhatNoWorkerCouldReadIsRefusedWithWordsAndLeavesNothing) {
  for (const auto& [file, words] :
       {std::pair<std::string, std::string>{"a text that somebody took for a LoRA",
                                            "does not begin with a safetensors header"},
        {file_.substr(0, file_.size() - 1), "it is cut off"},
        {"", "it has 0 bytes"}}) {
    const httplib::Response refused = put_lora("ink", file);
    EXPECT_EQ(refused.status, 400);
    EXPECT_NE(detail(refused).find(words), std::string::npos) << refused.body;
    EXPECT_FALSE(blobs_->contains(sha256(file)));
  }
  const auto wrong = client_->Put("/api/v1/loras/ink?sha256=" + to_hex(sha256(other_)), file_,
                                  "application/octet-stream");
  EXPECT_EQ(wrong->status, 400);
  EXPECT_NE(detail(*wrong).find("not the file whose SHA-256 was named"), std::string::npos);
  EXPECT_EQ(get("/api/v1/loras/ink").status, 404);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "blobs" / "incoming"));
  EXPECT_EQ(put_lora("ink", file_).status, 201) << "a good one comes after bad ones";
}

TEST_F(Loras, AnUploadLargerThanMemoryPiecesComesWhole) {
  const std::string large = lora_file(std::string(900'000, 'w'));
  EXPECT_EQ(put_lora("large", large).status, 201);
  EXPECT_EQ(blobs_->find_size(sha256(large)).value(), large.size());
  EXPECT_EQ(put_lora("larger", lora_file(std::string(kLoraMaxBytesHere, 'w'))).status, 413);
}

TEST_F(Loras, WhatAnEarlierSenderLeftDoesNotSpoilTheNextOne) {
  const std::string half = "something else";
  auto left = blobs_->receive(sha256(file_), file_.size()).value();
  ASSERT_TRUE(left.append(bytes_of(half)).ok());
  EXPECT_EQ(put_lora("ink", file_).status, 503) << "while somebody else sends it";
  { const auto gone = std::move(left); }
  EXPECT_EQ(put_lora("ink", file_).status, 201);
}

TEST_F(Loras, ABatchKeepsTheBytesThatItWasSubmittedWith) {
  put_lora("ink", file_);
  const json lora{{"name", "ink"}};
  const json first = recipe_of(submit_with(lora));
  EXPECT_EQ(first["loras"][0]["sha256"], to_hex(sha256(file_)));
  EXPECT_EQ(first["loras"][0]["bytes"], file_.size());
  put_lora("ink", other_, "&replace=true");
  EXPECT_EQ(recipe_of(submit_with(lora))["loras"][0]["sha256"], to_hex(sha256(other_)));
  EXPECT_EQ(get_json("/api/v1/batches/1")["recipe"], first);
  EXPECT_EQ(recipe_of(submit_with(first["loras"][0]))["loras"][0]["sha256"], to_hex(sha256(file_)))
      << "an older batch's recipe gives the same again";
  const httplib::Response never = submit_with({{"name", "ink"}, {"sha256", std::string(64, 'a')}});
  EXPECT_EQ(never.status, 400) << never.body;
  EXPECT_NE(detail(never).find("was never registered under that name"), std::string::npos);

  EXPECT_EQ(client_->Delete("/api/v1/loras/ink")->status, 200);
  EXPECT_EQ(get("/api/v1/loras/ink").status, 404);
  EXPECT_EQ(client_->Delete("/api/v1/loras/ink")->status, 404);
  EXPECT_FALSE(recipe_of(submit_with(lora))["loras"][0].contains("sha256"))
      << "a name that is not registered is a file in workers' own folders";
}

TEST_F(Loras, TheOrderThatAWorkerGetsNamesTheBytes) {
  put_lora("ink", file_);
  recipe_of(submit_with({{"name", "ink"}}));
  join_worker_with_room("old", 0, {"ink"});
  ASSERT_TRUE(assigned_.empty()) << "its own file of that name is another one";
  join_worker_with_room("new", file_.size());
  ASSERT_EQ(assigned_.size(), 1u);
  EXPECT_EQ(assigned_[0].spec.loras[0].sha256, sha256(file_));
  EXPECT_EQ(assigned_[0].spec.loras[0].bytes, file_.size());
}

TEST_F(Loras, ARecipeWithoutTheTriggerIsWarnedAbout) {
  put_lora("ink", file_, "&trigger=inked");
  const auto warnings = [&](const json& lora, const std::string& prompt) {
    const httplib::Response submitted = submit_with(lora, prompt);
    EXPECT_EQ(submitted.status, 201) << submitted.body;
    return json::parse(submitted.body)["warnings"];
  };
  const json warned = warnings({{"name", "ink"}}, "{triggers} {view}");
  ASSERT_EQ(warned.size(), 1u);
  EXPECT_NE(warned[0].get<std::string>().find("trained on the words \"inked\""), std::string::npos);
  EXPECT_EQ(warnings({{"name", "ink"}}, "inked {view}").size(), 0u);
  EXPECT_EQ(warnings({{"name", "ink"}, {"trigger", "inked"}}, "{triggers} {view}").size(), 0u);
}

TEST_F(Loras, WhoCannotFetchItIsSaid) {
  put_lora("ink", file_);
  recipe_of(submit_with({{"name", "ink"}}));
  join_worker_with_room("small", 3, {"ink"});
  const std::string waiting = get_json("/api/v1/batches/1")["waiting_for"];
  EXPECT_EQ(waiting, "no online worker has room for the " + std::to_string(file_.size()) +
                         " bytes of its LoRAs; restart one with a larger --lora-cache-size");
  const std::string idle = get_json("/api/v1/workers/1/explain")["sentence"];
  EXPECT_NE(idle.find("wants room for " + std::to_string(file_.size()) + " bytes of LoRAs"),
            std::string::npos)
      << idle;
}

TEST_F(Loras, ModelsTellsWhoHoldsWhat) {
  put_lora("ink", file_, "&trigger=inked");
  put_lora("wash", other_);
  join_worker_with_room("gpu-1", 1000, {"mine"});
  const std::string digest = to_hex(sha256(file_)), cached = to_hex(sha256(other_));
  post(core::WorkerWasHeard{
      kLink,
      json{{"models",
            {{{"name", "flux1-kontext-dev"},
              {"variants",
               {{{{"name", "ink"}, {"scale", 1}, {"sha256", digest}},
                 {{"name", "mine"}, {"scale", 1}}}}}}}},
           {"lora_cache",
            {{"loras", {{{"sha256", digest}, {"bytes", 1}}, {{"sha256", cached}, {"bytes", 2}}}}}}}
          .dump()});
  post(core::Ticked{});
  const json all = get_json("/api/v1/models");
  const auto holds = [](const json& held) { return held["workers"][0]["holds"]; };
  ASSERT_EQ(all["models"].size(), 1u);
  EXPECT_EQ(holds(all["models"][0]), "resident");
  ASSERT_EQ(all["loras"].size(), 3u) << all.dump(1);
  EXPECT_EQ(all["loras"][0]["name"], "ink");
  EXPECT_EQ(all["loras"][0]["trigger"], "inked");
  EXPECT_EQ(holds(all["loras"][0]), "resident");
  EXPECT_EQ(holds(all["loras"][1]), "cached");
  EXPECT_EQ(all["loras"][2]["name"], "mine");
  EXPECT_EQ(all["loras"][2]["registered"], false);
  EXPECT_EQ(holds(all["loras"][2]), "resident");
  post(core::WorkerSaidGoodbye{kLink});
  EXPECT_TRUE(get_json("/api/v1/models")["models"].empty());
  EXPECT_TRUE(get_json("/api/v1/models")["loras"][0]["workers"].empty());
}

TEST_F(Loras, WhatAWorkerSaysOfItselfMayBeAnything) {
  put_lora("ink", file_);
  join_worker_with_room("odd", 1);
  for (const char* said : {"[]", "7", R"({"models": 3})", R"({"models": [7, {"variants": 1}]})",
                           R"({"models": [{"variants": [7]}], "lora_cache": [1]})",
                           R"({"lora_cache": {"loras": [7, {"sha256": 1}]}})"}) {
    post(core::WorkerWasHeard{kLink, said});
    post(core::Ticked{});
    EXPECT_EQ(get("/api/v1/models").status, 200) << said;
  }
}

}  // namespace
}  // namespace pirouette::http
