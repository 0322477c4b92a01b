#include "tests/sim/worker_process.h"

#include <algorithm>
#include <utility>

namespace pirouette::sim {
namespace {

constexpr Duration kRestartLeast = seconds(1), kRestartMost = seconds(20);
constexpr Duration kTickEvery = milliseconds(500);

link::Portrait portrait_of(const WorkerNature& nature) {
  return {nature.name,  {"sim", "device " + std::to_string(nature.device), 0},
          "sim",        {"tiny"},
          nature.loras, 0,
          nature.tags};
}

}  // namespace

WorkerProcess::WorkerProcess(Parts parts, std::size_t index, WorkerNature nature)
    : parts_(parts), index_(index), nature_(std::move(nature)), portrait_(portrait_of(nature_)) {}

// --- a process begins and ends ---

void WorkerProcess::start() {
  if (is_up()) return;
  ++life_;
  std::vector<agent::Finished> left;
  for (const auto& [lease, record] : records_) left.push_back(record.result);
  agent::Policy policy;
  policy.capacity = nature_.capacity;
  agent_.emplace(policy, std::move(left), now());
  say("starts with " + std::to_string(records_.size()) + " results");
  parts_.network.begin(index_, nature_.name + "." + std::to_string(life_));
  post(agent::Ticked{});
}

void WorkerProcess::end(bool in_good_order) {
  parts_.network.end(index_, in_good_order);
  ++life_;
  agent_.reset();
  leave_.reset();
  waiting_.clear();
  events_.clear();
  says_.clear();
  unsynced_.clear();
  pictures_.clear();
  orders_.clear();
  rendering_ = hung_ = woken_ = false;
  end_sleep();
  suspended_until_ = {};
  parts_.time.after(parts_.weather.between(kRestartLeast, kRestartMost), [this, life = life_] {
    if (life == life_) start();
  });
}

// What was not synced is there or not; after a power cut, what was to be forgotten may be back.
void WorkerProcess::kill(bool power_cut) {
  if (!is_up()) return;
  say(power_cut ? "loses its power" : "is killed");
  for (const auto& [lease, record] : unsynced_) {
    if (!parts_.weather.once_in(2)) break;
    records_[lease] = record;
    parts_.audit.kept(lease, record.result.job);
  }
  for (auto& [lease, record] : forgotten_) {
    record.picture = false;
    if (parts_.weather.once_in(2)) records_[lease] = record;
  }
  forgotten_.clear();
  end(false);
}

void WorkerProcess::stop() {
  if (is_up()) post(agent::StopAsked{});
}

void WorkerProcess::suspend(Duration length) {
  if (!is_up()) return;
  say("is suspended");
  end_sleep();
  suspended_until_ = parts_.time.now() + length;
  if (!parts_.weather.once_in(2)) return;
  sleeps_until_ = suspended_until_;
  clock_behind_.us += length.us;
}

// Its clock goes on from where it stood: it never goes back.
void WorkerProcess::end_sleep() {
  const Duration left = sleeps_until_ - parts_.time.now();
  clock_behind_.us -= std::max<std::int64_t>(0, left.us);
  sleeps_until_ = {};
}

void WorkerProcess::wake_up() {
  end_sleep();
  suspended_until_ = {};
  woken_ = false;
  if (is_up()) wake(parts_.time.now());
}

void WorkerProcess::exit(const agent::Leave& leave) {
  say("leaves: " + leave.why);
  make_durable();
  forgotten_.clear();
  end(true);
}

// --- a round ---

void WorkerProcess::hear(News news) {
  if (!is_up()) return;
  if (news == News::connected) {
    post(agent::Connected{});
  } else {
    post(agent::Disconnected{});
  }
}

void WorkerProcess::receive(const std::string& frame) {
  if (!is_up()) return;
  parts_.trace.add(frame);
  const auto read = wire::parse_coordinator_frame(
      {reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size()});
  if (!read.ok()) throw Broken("a worker cannot read what the coordinator sent");
  std::vector<agent::Event> events;
  link::read_frame(read.value(), events);
  for (agent::Event& event : events) post(std::move(event));
}

void WorkerProcess::later(Duration delay, agent::Event event) {
  parts_.time.after(delay, [this, life = life_, event = std::move(event)] {
    if (life == life_) post(event);
  });
}

void WorkerProcess::post(agent::Event event) {
  waiting_.push_back(std::move(event));
  wake(parts_.time.now() + parts_.weather.between({100}, milliseconds(1)));
}

void WorkerProcess::wake(Instant when) {
  if (std::exchange(woken_, true)) return;
  parts_.time.at(std::max(when, suspended_until_), [this, life = life_] {
    if (life != life_) return;
    woken_ = false;
    if (parts_.time.now() < suspended_until_) return wake(suspended_until_);
    handle_waiting();
  });
}

void WorkerProcess::handle_waiting() {
  Weather& weather = parts_.weather;
  for (const agent::Event& event : std::exchange(waiting_, {})) step(event);
  if (agent_->wakes_at() <= now()) step(agent::Ticked{"{\"model\":\"tiny\"}"});
  if (!unsynced_.empty() && weather.strikes(Trouble::worker_killed, 30)) {
    return kill(weather.once_in(2));
  }
  make_durable();
  if (!says_.empty() && weather.strikes(Trouble::worker_killed, 300)) {
    return kill(weather.once_in(2));
  }
  speak();
  if (leave_) return exit(*std::exchange(leave_, std::nullopt));
  if (woken_) return;
  // The agent wakes by its own clock, and a second passes as one on either.
  const Duration wait = std::clamp(agent_->wakes_at() - now(), milliseconds(1), kTickEvery);
  wake(parts_.time.now() + wait);
}

void WorkerProcess::step(const agent::Event& event) {
  agent::Actions actions = agent_->step(event, now());
  for (agent::Say& say : actions.says) {
    if (std::holds_alternative<agent::SayHello>(say)) says_.clear();
    says_.push_back(std::move(say));
  }
  for (const agent::Task& task : actions.tasks) {
    std::visit([this](const auto& asked) { perform(asked); }, task);
  }
  if (actions.leave) leave_ = std::move(actions.leave);
  for (const agent::Event& answered : std::exchange(events_, {})) step(answered);
}

void WorkerProcess::make_durable() {
  if (unsynced_.empty()) return;
  const bool fails = disk_full_ || parts_.weather.strikes(Trouble::worker_disk_full, 40);
  if (!fails) forgotten_.clear();
  for (auto& [lease, record] : std::exchange(unsynced_, {})) {
    if (fails) {
      step(agent::ResultNotKept{lease, "the disk is full"});
      continue;
    }
    records_[lease] = record;
    parts_.audit.kept(lease, record.result.job);
    pictures_.erase(lease);
    step(agent::ResultKept{lease});
  }
}

void WorkerProcess::speak() {
  wire::WorkerFrame frame;
  for (const agent::Say& say : std::exchange(says_, {})) {
    link::write_message(say, portrait_, *frame.add_messages());
  }
  if (frame.messages_size() > 0) parts_.network.send_up(index_, frame.SerializeAsString());
}

// --- tasks ---

void WorkerProcess::perform(const agent::FetchReference& task) {
  if (references_.contains(task.digest)) {
    events_.emplace_back(agent::ReferenceFetched{task.digest});
  } else {
    fetch(task.digest);
  }
}

// They arrive as references do, in link; here none is ever lost.
void WorkerProcess::perform(const agent::FetchLoras& task) {
  for (const RecipeLora& lora : task.loras) events_.emplace_back(agent::LoraFetched{lora.sha256});
}

// Tried until it is through, as worker/link/blob_client.
void WorkerProcess::fetch(const Digest& digest) {
  Weather& weather = parts_.weather;
  if (weather.strikes(Trouble::reference_failed, 6)) {
    const auto failure =
        weather.once_in(6) ? agent::FailureClass::job : agent::FailureClass::retryable;
    return later(milliseconds(100), agent::ReferenceFailed{digest, failure, "no reference"});
  }
  parts_.time.after(weather.between(milliseconds(20), seconds(1)), [this, life = life_, digest] {
    if (life != life_) return;
    if (!parts_.network.reaches(index_)) return fetch(digest);
    references_.insert(digest);
    post(agent::ReferenceFetched{digest});
  });
}

void WorkerProcess::put_blob(const Digest& digest) {
  const bool there = std::any_of(records_.begin(), records_.end(), [&](const auto& entry) {
    return entry.second.picture && entry.second.result.digest == digest;
  });
  if (!there || parts_.weather.strikes(Trouble::picture_lost, 60)) {
    for (const auto& [lease, record] : records_) {
      if (record.result.digest == digest) parts_.audit.lost(lease);
    }
    return later(milliseconds(10), agent::BlobLost{digest, "the picture is damaged"});
  }
  parts_.time.after(
      parts_.weather.between(milliseconds(20), seconds(1)), [this, life = life_, digest] {
        if (life != life_) return;
        const bool damaged = parts_.weather.strikes(Trouble::blob_damaged, 8);
        const bool through = !damaged && parts_.network.reaches(index_) &&
                             parts_.time.now() >= suspended_until_ &&
                             parts_.coordinator.put_blob(digest);
        if (!through) return put_blob(digest);
        later(parts_.weather.between(milliseconds(1), milliseconds(40)), agent::BlobStored{digest});
      });
}

void WorkerProcess::perform(const agent::KeepResult& task) {
  if (!pictures_.contains(task.result.lease)) throw Broken("a picture to keep is not there");
  if (disk_full_) {
    events_.emplace_back(agent::ResultNotKept{task.result.lease, "the disk is full"});
  } else {
    unsynced_[task.result.lease] = {task.result, !task.without_picture};
  }
}

void WorkerProcess::perform(const agent::ForgetResult& task) {
  const auto found = records_.find(task.lease);
  if (found == records_.end()) return;
  parts_.audit.forgets(task.lease);
  forgotten_.insert(records_.extract(found));
}

// --- the engine ---

void WorkerProcess::perform(const agent::StartRender& task) {
  orders_.push_back({task.lease, task.spec});
  if (!rendering_) render_next();
}

void WorkerProcess::perform(const agent::StopRender& task) {
  const auto order = std::find_if(orders_.begin(), orders_.end(), [&](const Order& waiting) {
    return waiting.lease == task.lease;
  });
  if (order == orders_.end()) return;  // its end is being told already
  const bool first = order == orders_.begin();
  if (first && hung_) return;  // it does not listen
  orders_.erase(order);
  later(milliseconds(5), agent::RenderFailed{task.lease, {}, true, "cancelled"});
  if (first) render_next();
}

void WorkerProcess::render_next() {
  rendering_ = !orders_.empty();
  if (!rendering_) return;
  Weather& weather = parts_.weather;
  const LeaseId lease = orders_.front().lease;
  const std::uint64_t render = ++render_;
  Duration length = nature_.render;
  if (weather.strikes(Trouble::render_slow, 10)) length = length * 12;
  if (hangs_from_now_on_ || weather.strikes(Trouble::render_hangs, 60)) {
    say("hangs");
    hung_ = true;
    return;
  }
  later({length.us / 2}, agent::RenderStepped{lease, 1, 2});
  parts_.time.after(length, [this, life = life_, render, lease] {
    if (life == life_ && render == render_ && rendering_) finish_render(lease);
  });
}

void WorkerProcess::finish_render(LeaseId lease) {
  if (parts_.time.now() < suspended_until_) {
    return parts_.time.after(seconds(1), [this, life = life_, lease] {
      if (life == life_) finish_render(lease);
    });
  }
  if (orders_.empty() || orders_.front().lease != lease) return;  // stopped meanwhile
  const Digest picture = picture_of(orders_.front().spec, nature_.device);
  orders_.pop_front();
  Weather& weather = parts_.weather;
  if (weather.strikes(Trouble::render_failed, 8)) {
    const std::uint64_t kind = weather.below(12);
    render_failed(lease,
                  kind == 0   ? agent::FailureClass::job
                  : kind == 1 ? agent::FailureClass::worker
                              : agent::FailureClass::retryable,
                  kind < 8 ? "out of memory" : "the device was lost");
  } else {
    pictures_[lease] = picture;
    later({50}, agent::RenderFinished{lease, picture, "{}"});
  }
  render_next();
}

void WorkerProcess::render_failed(LeaseId lease, agent::FailureClass failure,
                                  const std::string& why) {
  later({50}, agent::RenderFailed{lease, failure, false, why});
}

// --- lies ---

void WorkerProcess::lie() {
  if (!is_up() || !nature_.lies) return;
  const std::string frame = make_lie();
  note_lies(frame);
  parts_.network.send_up(index_, frame);
}

// A word about some lease or other, or its own words spoilt.
std::string WorkerProcess::make_lie() {
  Weather& weather = parts_.weather;
  const auto& leases = parts_.audit.rows().leases;
  wire::WorkerFrame frame;
  agent::Finished result{{weather.below(50)}, {weather.below(50)}, sha256("a lie"), "{]"};
  if (!leases.empty() && weather.below(4) > 0) {
    const auto lease =
        std::next(leases.begin(), static_cast<std::ptrdiff_t>(weather.below(leases.size())));
    result.lease = lease->first;
    if (weather.below(4) > 0) result.job = lease->second.job;
  }
  // A picture that the coordinator has, of whatever job.
  const auto& jobs = parts_.audit.rows().jobs;
  if (!jobs.empty() && weather.once_in(3)) {
    const auto job =
        std::next(jobs.begin(), static_cast<std::ptrdiff_t>(weather.below(jobs.size())));
    if (job->second.result) result.digest = job->second.result;
  }
  const auto add = [&](const agent::Say& say) {
    link::write_message(say, portrait_, *frame.add_messages());
  };
  switch (weather.below(6)) {
    case 0:
      add(agent::SayRefused{result.lease, "no"});
      break;
    case 1:
      add(agent::SayFailed{result.lease, agent::FailureClass::job, "no"});
      break;
    case 2:
      add(agent::SayHello{
          static_cast<std::uint32_t>(weather.below(4)), {{result.lease, result.job}}, {result}});
      break;
    default:
      add(agent::SayFinished{result});
  }
  std::string bytes = frame.SerializeAsString();
  if (weather.once_in(3)) {
    for (std::uint64_t flips = 1 + weather.below(3); flips > 0; --flips) {
      bytes[weather.below(bytes.size())] = static_cast<char>(weather.below(256));
    }
  }
  return bytes;
}

void WorkerProcess::note_lies(const std::string& bytes) {
  const auto frame =
      wire::parse_worker_frame({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  if (!frame.ok()) return;
  const auto note = [&](const wire::Finished& finished) {
    if (const auto digest = wire::find_digest(finished.result())) {
      parts_.audit.lied({finished.lease()}, {finished.job()}, *digest);
    }
  };
  for (const wire::WorkerMessage& message : frame.value().messages()) {
    if (message.has_finished()) note(message.finished());
    for (const wire::Finished& finished : message.hello().outbox()) note(finished);
  }
}

}  // namespace pirouette::sim
