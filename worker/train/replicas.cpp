#include "worker/train/replicas.h"

#include <c10/core/DeviceGuard.h>

#include <future>
#include <utility>

#include "worker/train/chance.h"

namespace pirouette::train {
namespace {

// Every count-th example of a dataset, from the first-th on.
class DatasetShare : public Dataset {
 public:
  DatasetShare(const Dataset& whole, std::uint64_t first, std::uint64_t count)
      : whole_(whole), first_(first), count_(count) {}

  Result<Example> at(std::uint64_t index, Rng& rng) const override {
    return whole_.at(index * count_ + first_, rng);
  }
  std::vector<std::string> prompts() const override { return whole_.prompts(); }

 private:
  const Dataset& whole_;
  std::uint64_t first_, count_;
};

class Replicas : public Task {
 public:
  // datasets: what the tasks learn from.
  Replicas(std::vector<std::unique_ptr<Dataset>> datasets, std::vector<std::unique_ptr<Task>> tasks)
      : datasets_(std::move(datasets)), tasks_(std::move(tasks)) {
    for (std::size_t i = 1; i < tasks_.size(); ++i)
      parameters().add_replica(tasks_[i]->parameters());
  }

  Parameters& parameters() override { return tasks_.front()->parameters(); }
  Result<Tensor> learn(std::uint64_t number) override;
  Result<Image> show() override { return tasks_.front()->show(); }
  Result<void> save(const std::filesystem::path& folder, const Tensors& learnt) override {
    return tasks_.front()->save(folder, learnt);
  }

 private:
  std::vector<std::unique_ptr<Dataset>> datasets_;
  std::vector<std::unique_ptr<Task>> tasks_;
};

// A thread hands out the work of one device, and knows no other.
Result<Tensor> learn_there(Task& task, std::uint64_t number) {
  const c10::DeviceGuard there(task.parameters().all().front().used.device());
  return task.learn(number);
}

Result<Tensor> Replicas::learn(std::uint64_t number) {
  std::vector<std::future<Result<Tensor>>> others;
  for (std::size_t i = 1; i < tasks_.size(); ++i)
    others.push_back(std::async(std::launch::async,
                                [this, i, number] { return learn_there(*tasks_[i], number); }));
  Result<Tensor> first = learn_there(*tasks_.front(), number);
  std::vector<Result<Tensor>> learnt;
  for (auto& other : others) learnt.push_back(other.get());
  Tensor sum = TRY(first).to(at::kDouble);
  for (Result<Tensor>& loss : learnt) sum = sum + TRY(loss).to(sum.options());
  return sum / static_cast<double>(tasks_.size());
}

}  // namespace

Result<std::unique_ptr<Task>> make_replicas(const std::vector<at::Device>& devices,
                                            std::uint64_t seed, const Dataset& dataset,
                                            const MakeReplica& make) {
  PIROUETTE_CHECK(!devices.empty());
  if (devices.size() == 1) return make({devices.front(), seed, dataset});
  std::vector<std::unique_ptr<Dataset>> shares;
  std::vector<std::unique_ptr<Task>> tasks;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    shares.push_back(std::make_unique<DatasetShare>(dataset, i, devices.size()));
    const std::uint64_t own = i == 0 ? seed : seed_of(seed, Draw::replica, i);
    tasks.push_back(TRY(make({devices[i], own, *shares.back()})));
  }
  std::unique_ptr<Task> task = std::make_unique<Replicas>(std::move(shares), std::move(tasks));
  return task;
}

}  // namespace pirouette::train
