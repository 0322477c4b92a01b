// A LoRA is trained on the tiny model: the loss falls, an interruption changes nothing, and what is
// saved loads back.

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <atomic>

#include "common/files.h"
#include "tests/unit/train/training_fixture.h"
#include "worker/flux/kontext.h"
#include "worker/flux/lora.h"
#include "worker/flux/lora_merge.h"
#include "worker/train/adapters.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;

// The first micro-batch over and over; or nothing any more after so many.
class Repeating : public Task {
 public:
  explicit Repeating(Task& task) : task_(task) {}
  Parameters& parameters() override { return task_.parameters(); }
  Result<Tensor> learn(std::uint64_t) override { return task_.learn(0); }
  Result<Image> show() override { return task_.show(); }
  Result<void> save(const fs::path& folder, const Tensors& learnt) override {
    return task_.save(folder, learnt);
  }

 private:
  Task& task_;
};

class Interrupted : public Task {
 public:
  Interrupted(Task& task, std::uint64_t at) : task_(task), at_(at) {}
  Parameters& parameters() override { return task_.parameters(); }
  Result<Tensor> learn(std::uint64_t number) override {
    if (number == at_) return Error{Errc::cancelled, "somebody pulled the plug"};
    return task_.learn(number);
  }
  Result<Image> show() override { return task_.show(); }
  Result<void> save(const fs::path& folder, const Tensors& learnt) override {
    return task_.save(folder, learnt);
  }

 private:
  Task& task_;
  std::uint64_t at_;
};

std::vector<std::uint8_t> bytes_of(const fs::path& file) { return get(read_file(file, 1u << 26)); }

const char* const kFiles[] = {"adapter/adapter_model.safetensors",
                              "pytorch_lora_weights.safetensors", "lora_kohya.safetensors"};

TEST(LoraTraining, LossFallsOnAFixedBatch) {
  const Folder out;
  const FewPictures pictures;
  const auto task = get(make_lora_task(tiny_model(), tiny_lora(), tiny_denoiser(), pictures));
  Repeating repeating(*task);
  std::vector<double> losses;
  get(train(repeating, quick_training(out / "a", 16),
            [&](const StepReport& report) { losses.push_back(report.loss); }));
  ASSERT_EQ(losses.size(), 16u);
  EXPECT_LT(losses.back(), 0.8 * losses.front());
}

TEST(LoraTraining, BlockByBlockIsTheSameTraining) {
  const FewPictures pictures;
  std::vector<double> losses;
  for (const bool block_by_block : {false, true}) {
    const Folder out;
    DenoiserOptions denoiser = tiny_denoiser();
    denoiser.block_by_block = block_by_block;
    const auto task = get(make_lora_task(tiny_model(), tiny_lora(), denoiser, pictures));
    get(train(*task, quick_training(out / "a", 3),
              [&](const StepReport& report) { losses.push_back(report.loss); }));
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(losses[i], losses[i + 3], 1e-4 * losses[i]);
}

TEST(LoraTraining, ResumedGivesTheSameBytesAsUninterrupted) {
  const Folder out;
  const FewPictures pictures;
  const auto options = [&](const std::string& name) {
    TrainingOptions training = quick_training(out / name, 5);
    training.learning_rate.scheduler = LrScheduler::cosine;
    training.learning_rate.warmup_steps = 2;
    training.gradient_accumulation_steps = 2;
    training.checkpointing_steps = 2;
    training.use_ema = true;
    return training;
  };
  const auto make = [&] {
    return get(make_lora_task(tiny_model(), tiny_lora(), tiny_denoiser(), pictures));
  };
  get(train(*make(), options("whole")));

  const auto first = make();
  Interrupted interrupted(*first, 7);  // in step 4, after the checkpoint of step 2 and step 3
  EXPECT_EQ(train(interrupted, options("resumed")).error().code, Errc::cancelled);
  TrainingOptions again = options("resumed");
  EXPECT_EQ(train(*make(), again).error().code, Errc::conflict);
  again.resume_from_checkpoint = "latest";
  std::vector<std::int64_t> steps;
  get(train(*make(), again, [&](const StepReport& report) { steps.push_back(report.step); }));
  EXPECT_EQ(steps, (std::vector<std::int64_t>{3, 4, 5}));
  for (const char* file : kFiles)
    EXPECT_EQ(bytes_of(out / "whole" / file), bytes_of(out / "resumed" / file)) << file;
  const auto state = fs::path("checkpoint-4") / "state.safetensors";
  EXPECT_EQ(bytes_of(out / "whole" / state), bytes_of(out / "resumed" / state));

  std::ifstream log(out / "resumed" / "log.jsonl");
  std::vector<int> logged;
  for (std::string line; std::getline(log, line);)
    logged.push_back(nlohmann::json::parse(line).at("step").get<int>());
  EXPECT_EQ(logged, (std::vector<int>{1, 2, 3, 4, 5}));
}

// Told to stop or out of time: what was made is kept, and going on gives the same bytes.
TEST(LoraTraining, StoppedOrOutOfTimeItLosesNothing) {
  const Folder out;
  const FewPictures pictures;
  const auto make = [&] {
    return get(make_lora_task(tiny_model(), tiny_lora(), tiny_denoiser(), pictures));
  };
  get(train(*make(), quick_training(out / "whole", 4)));

  std::atomic<bool> stop = false;
  TrainingOptions stopped = quick_training(out / "stopped", 4);
  stopped.stop = &stop;
  const auto ended =
      train(*make(), stopped, [&](const StepReport& report) { stop = report.step == 2; });
  EXPECT_EQ(ended.error().code, Errc::cancelled);
  EXPECT_NE(ended.error().what.find("step 2"), std::string::npos) << ended.error().what;
  stop = false;
  stopped.resume_from_checkpoint = "latest";
  get(train(*make(), stopped));

  TrainingOptions late = quick_training(out / "late", 4);
  late.max_train_minutes = 1e-9;
  get(train(*make(), late));
  EXPECT_TRUE(fs::exists(out / "late" / kFiles[1]));
  late.max_train_minutes = 0;
  late.resume_from_checkpoint = "latest";
  get(train(*make(), late));
  for (const char* file : kFiles) {
    EXPECT_EQ(bytes_of(out / "whole" / file), bytes_of(out / "stopped" / file)) << file;
    EXPECT_EQ(bytes_of(out / "whole" / file), bytes_of(out / "late" / file)) << file;
  }
}

// With threads that draw ahead it is the same training.
TEST(LoraTraining, ThreadsThatDrawAheadChangeNothing) {
  const Folder out;
  const FewPictures pictures;
  for (const int workers : {0, 3}) {
    DenoiserOptions denoiser = tiny_denoiser();
    denoiser.batch = 2;
    denoiser.workers = workers;
    const auto task = get(make_lora_task(tiny_model(), tiny_lora(), denoiser, pictures));
    get(train(*task, quick_training(out / std::to_string(workers), 3)));
  }
  EXPECT_EQ(bytes_of(out / "0" / kFiles[1]), bytes_of(out / "3" / kFiles[1]));
}

// Examples that come back are among those that would have come back, also after an interruption.
TEST(LoraTraining, ResumedWithEchoesGivesTheSameBytesAsUninterrupted) {
  const Folder out;
  const FewPictures pictures;
  DenoiserOptions denoiser = tiny_denoiser();
  denoiser.batch = 3;
  denoiser.echoing_factor = 3;
  denoiser.shuffle_buffer_size = 4;
  const auto make = [&] {
    return get(make_lora_task(tiny_model(), tiny_lora(), denoiser, pictures));
  };
  TrainingOptions training = quick_training(out / "whole", 6);
  training.checkpointing_steps = 3;
  get(train(*make(), training));
  training.output_dir = out / "resumed";
  const auto first = make();
  Interrupted interrupted(*first, 5);
  EXPECT_EQ(train(interrupted, training).error().code, Errc::cancelled);
  training.resume_from_checkpoint = "latest";
  get(train(*make(), training));
  EXPECT_EQ(bytes_of(out / "whole" / kFiles[1]), bytes_of(out / "resumed" / kFiles[1]));
}

TEST(LoraTraining, AllSpellingsLoadBackToTheSameWeights) {
  const Folder out;
  const FewPictures pictures;
  // Some parts of fused projections only, the final layer with its swapped halves, and more.
  const LoraOptions lora{
      3, 6, {"attn.to_q", "attn.to_v", "proj_mlp", "norm_out.linear", "ff.net.2"}, {}};
  const auto task = get(make_lora_task(tiny_model(), lora, tiny_denoiser(), pictures));
  std::uint64_t number = 0;
  for (Parameter& parameter : task->parameters().all())
    parameter.learnt.normal_(0, 0.1, at::detail::createCPUGenerator(++number));
  const Tensors learnt = task->parameters().learnt();
  get(task->save(out.path(), learnt));

  const Tensors pristine = flux::golden::tiny_transformer_weights().tensors();
  Tensors expected = pristine;
  for (const Target& t : get(choose_targets(pristine, lora.target_modules))) {
    Tensor weight = expected.at(t.place.module + ".weight").clone();
    weight.slice(0, t.first_row, t.first_row + t.out)
        .add_(at::mm(learnt.at(up_name(t)), learnt.at(down_name(t))), lora.scale());
    expected.at(t.place.module + ".weight") = weight;
  }
  for (const std::string file : {"adapter", kFiles[1], kFiles[2]}) {
    const auto loaded = get(flux::load_lora(out / file));
    const Tensors merged = get(flux::merge_loras(pristine, {{loaded, 1.0}}));
    for (const auto& [name, tensor] : expected)
      EXPECT_LE((merged.at(name) - tensor).norm().item<double>(),
                1e-6 * tensor.norm().item<double>())
          << file << ' ' << name;
  }
}

TEST(LoraTraining, BeginsWithAnEarlierOne) {
  const Folder out;
  const FewPictures pictures;
  const auto first = get(make_lora_task(tiny_model(), tiny_lora(), tiny_denoiser(), pictures));
  std::uint64_t number = 0;
  for (Parameter& parameter : first->parameters().all())
    parameter.learnt.normal_(0, 0.1, at::detail::createCPUGenerator(++number));
  const Tensors learnt = first->parameters().learnt();
  get(first->save(out.path(), learnt));
  LoraOptions lora = tiny_lora();
  lora.network_weights = out / "pytorch_lora_weights.safetensors";
  const auto next = get(make_lora_task(tiny_model(), lora, tiny_denoiser(), pictures));
  const Tensors begun = next->parameters().learnt();
  ASSERT_EQ(begun.size(), learnt.size());
  for (const auto& [name, tensor] : learnt) EXPECT_TRUE(at::equal(begun.at(name), tensor)) << name;
  const auto error_of = [&] {
    return make_lora_task(tiny_model(), lora, tiny_denoiser(), pictures).error().what;
  };
  lora.rank = 3;
  EXPECT_NE(error_of().find("has another shape"), std::string::npos) << error_of();
  lora = {4, 4, {"all-linear"}, lora.network_weights};
  EXPECT_NE(error_of().find("its lora_alpha is 8"), std::string::npos) << error_of();
  lora = {4, 8, {"attn.to_q"}, lora.network_weights};
  EXPECT_NE(error_of().find("it changes more modules"), std::string::npos) << error_of();
  lora.network_weights = out / "lora_kohya.safetensors";
  EXPECT_NE(error_of().find("is not in it"), std::string::npos) << error_of();
}

// At whatever scale the steps before learnt.
TEST(LoraTraining, ShowsWhatTheFarmWouldRender) {
  const Folder out;
  const FewPictures pictures;
  LoraOptions lora = tiny_lora();
  lora.scale_min = 0;
  const auto task = get(make_lora_task(tiny_model(), lora, tiny_denoiser(), pictures));
  TrainingOptions training = quick_training(out / "a", 2);
  training.validation_steps = 2;
  get(train(*task, training));
  const Image grid = flux::golden::load_png(out / "a/samples/2.png");
  EXPECT_EQ(grid.width, 3 * 64 + 2 * 8);
  EXPECT_EQ(grid.height, 96);
  flux::Kontext kontext =
      get(flux::Kontext::load({flux::golden::folder(), std::nullopt}, at::kFloat));
  get(kontext.set_loras({{out / "a/lora_kohya.safetensors", 1.0}}));
}

TEST(LoraTraining, OneStepInFourLearnsAtALowerScale) {
  LoraOptions lora = tiny_lora();
  EXPECT_EQ(share_of_scale(lora, 1, 0), 1);
  lora.scale_min = 0.5;
  constexpr int kSteps = 4000;
  int whole = 0;
  double lower = 0;
  for (std::uint64_t number = 0; number < kSteps; ++number) {
    const double share = share_of_scale(lora, 1, number);
    EXPECT_EQ(share, share_of_scale(lora, 1, number));
    ASSERT_GE(share, 0.5);
    ASSERT_LE(share, 1);
    whole += share == 1 ? 1 : 0;
    lower += share == 1 ? 0 : share;
  }
  EXPECT_NEAR(whole, kSteps * 3 / 4, 120);
  EXPECT_NEAR(lower / (kSteps - whole), 0.75, 0.03);
}

// A lower scale is a lower gradient of the ups, which are zero at first.
TEST(LoraTraining, ALowerScaleIsWhatAStepLearnsWith) {
  const Folder out;
  const FewPictures pictures;
  LoraOptions lora = tiny_lora();
  const auto norm_of = [&](double scale_min, std::uint64_t number) {
    lora.scale_min = scale_min;
    const auto task = get(make_lora_task(tiny_model(), lora, tiny_denoiser(), pictures));
    get(task->learn(number));
    task->parameters().collect(1);
    return task->parameters().clip(0).item<double>();
  };
  std::uint64_t lower = 0;
  lora.scale_min = 0;
  while (share_of_scale(lora, tiny_denoiser().seed, lower) == 1) ++lower;
  const double share = share_of_scale(lora, tiny_denoiser().seed, lower);
  EXPECT_NEAR(norm_of(0, lower) / norm_of(1, lower), share, 1e-3);
}

TEST(LoraTraining, WrongWishesAreNamed) {
  const FewPictures pictures;
  const auto error_of = [&](const LoraOptions& lora) {
    return make_lora_task(tiny_model(), lora, tiny_denoiser(), pictures).error().what;
  };
  EXPECT_NE(error_of({4, 4, {"attn.to_q", "attn.to_x"}, {}}).find("attn.to_x"), std::string::npos);
  EXPECT_NE(error_of({0, 4, {"attn.to_q"}, {}}).find("--rank"), std::string::npos);
  const Folder out;
  TrainingOptions training = quick_training(out / "a", 2);
  training.resume_from_checkpoint = "checkpoint-7";
  const auto task = get(make_lora_task(tiny_model(), tiny_lora(), tiny_denoiser(), pictures));
  EXPECT_NE(train(*task, training).error().what.find("has no checkpoint"), std::string::npos);
}

}  // namespace
}  // namespace pirouette::train
