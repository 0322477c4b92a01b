// A training on several devices is one of their batches together: the same gradients, the same
// bytes after an interruption, and models that never differ.

#include "worker/train/replicas.h"

#include <gtest/gtest.h>

#include <set>

#include "common/files.h"
#include "tests/unit/train/training_fixture.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;

constexpr at::DeviceType kCpu = at::kCPU;

std::vector<at::Device> cpus(std::size_t count) { return std::vector(count, at::Device(kCpu)); }

// Two numbers; the gradient of a micro-batch is its dataset's next example, told by its prompt.
class Counting : public Task {
 public:
  explicit Counting(const Replica& replica) : replica_(replica) {
    used_ = parameters_.add("x", at::zeros({2}), at::kFloat);
  }
  Parameters& parameters() override { return parameters_; }
  Result<Tensor> learn(std::uint64_t number) override {
    Rng rng(replica_.seed);
    const double value = std::stod(TRY(replica_.dataset.at(number, rng)).prompt);
    seen.push_back(used_.detach().clone());
    (used_ * value).sum().backward();
    return at::full({}, value);
  }
  Result<Image> show() override { return Image{}; }
  Result<void> save(const fs::path&, const Tensors&) override { return {}; }

  std::vector<Tensor> seen;  // what the model computed with

 private:
  Replica replica_;
  Parameters parameters_;
  Tensor used_;
};

class Numbers : public Dataset {
 public:
  Result<Example> at(std::uint64_t index, Rng&) const override {
    if (index == wrong) return Error{Errc::corrupt, "example " + std::to_string(index)};
    return Example{{}, {}, std::to_string(index)};
  }
  std::vector<std::string> prompts() const override { return {}; }
  std::uint64_t wrong = ~std::uint64_t{0};
};

struct Counted {
  std::vector<Counting*> tasks;
  std::vector<std::uint64_t> seeds;
  std::unique_ptr<Task> together;
};

Counted count_on(std::size_t devices, const Dataset& dataset) {
  Counted counted;
  counted.together = get(make_replicas(
      cpus(devices), 7, dataset, [&](const Replica& replica) -> Result<std::unique_ptr<Task>> {
        auto task = std::make_unique<Counting>(replica);
        counted.tasks.push_back(task.get());
        counted.seeds.push_back(replica.seed);
        return std::unique_ptr<Task>(std::move(task));
      }));
  return counted;
}

TEST(Replicas, EachLearnsFromExamplesOfItsOwnAndTheMeanOfAllCounts) {
  const Numbers numbers;
  const Counted counted = count_on(3, numbers);
  Parameters& parameters = counted.together->parameters();
  // Micro-batches 0 and 1: examples 0, 1, 2 and 3, 4, 5.
  EXPECT_DOUBLE_EQ(get(counted.together->learn(0)).item<double>(), 1);
  parameters.collect(0.5);
  EXPECT_DOUBLE_EQ(get(counted.together->learn(1)).item<double>(), 4);
  parameters.collect(0.5);
  EXPECT_TRUE(at::allclose(parameters.all().front().gradient, at::full({2}, 2.5)));
  EXPECT_EQ(std::set(counted.seeds.begin(), counted.seeds.end()).size(), 3u);
  EXPECT_EQ(counted.seeds.front(), 7u);
}

TEST(Replicas, ComputeWithWhatTheFirstHasLearnt) {
  const Folder out;
  const Numbers numbers;
  const Counted counted = count_on(2, numbers);
  get(train(*counted.together, quick_training(out / "a", 4)));
  ASSERT_EQ(counted.tasks[0]->seen.size(), 4u);
  for (std::size_t step = 0; step < 4; ++step)
    EXPECT_TRUE(at::equal(counted.tasks[0]->seen[step], counted.tasks[1]->seen[step])) << step;
  EXPECT_FALSE(at::equal(counted.tasks[1]->seen[0], counted.tasks[1]->seen[3]));
}

TEST(Replicas, AnErrorOfAnyEndsTheTraining) {
  const Folder out;
  Numbers numbers;
  numbers.wrong = 5;
  const Counted counted = count_on(3, numbers);
  const auto ended = train(*counted.together, quick_training(out / "a", 4));
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().what, "example 5");
}

std::unique_ptr<Task> lora_on(std::size_t devices, const Dataset& dataset) {
  return get(make_replicas(cpus(devices), 5, dataset, [](const Replica& replica) {
    ModelOptions model = tiny_model(at::kDouble);
    model.device = replica.device;
    DenoiserOptions denoiser = tiny_denoiser();
    denoiser.seed = replica.seed;
    return make_lora_task(model, tiny_lora(), denoiser, replica.dataset);
  }));
}

// The real task: its gradient is the mean of what both would have learnt alone.
TEST(Replicas, OfALoraLearnTheMeanOfTheirGradients) {
  const FewPictures pictures;
  const auto together = lora_on(2, pictures);
  Tensor mean;
  make_replicas(cpus(2), 5, pictures, [&](const Replica& replica) {
    ModelOptions model = tiny_model(at::kDouble);
    DenoiserOptions denoiser = tiny_denoiser();
    denoiser.seed = replica.seed;
    auto alone = make_lora_task(model, tiny_lora(), denoiser, replica.dataset);
    Parameters& parameters = alone.value()->parameters();
    if (mean.defined()) parameters.publish(together->parameters().learnt_all());
    get(alone.value()->learn(3));
    parameters.collect(0.5);
    const Tensor half = parameters.gradient_all().clone();
    mean = mean.defined() ? mean + half : half;
    parameters.forget_gradients();
    return alone;
  }).value();
  get(together->learn(3));
  together->parameters().collect(1);
  EXPECT_GT(mean.norm().item<double>(), 0);
  EXPECT_TRUE(at::allclose(together->parameters().gradient_all(), mean, 1e-9, 1e-12));
}

TEST(Replicas, ResumedGiveTheSameBytesAsUninterrupted) {
  const Folder out;
  const FewPictures pictures;
  TrainingOptions training = quick_training(out / "whole", 4);
  training.checkpointing_steps = 2;
  training.use_ema = true;
  get(train(*lora_on(2, pictures), training));

  std::atomic<bool> stop = false;
  training.output_dir = out / "resumed";
  training.stop = &stop;
  const auto ended = train(*lora_on(2, pictures), training,
                           [&](const StepReport& report) { stop = report.step == 2; });
  EXPECT_EQ(ended.error().code, Errc::cancelled);
  stop = false;
  training.resume_from_checkpoint = "latest";
  get(train(*lora_on(2, pictures), training));
  const auto bytes = [&](const char* name) {
    return get(read_file(out / name / "pytorch_lora_weights.safetensors", 1u << 26));
  };
  EXPECT_EQ(bytes("whole"), bytes("resumed"));
}

}  // namespace
}  // namespace pirouette::train
