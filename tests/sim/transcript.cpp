#include "tests/sim/transcript.h"

#include <stdexcept>

namespace pirouette::sim {

using namespace core;

namespace {

// 2026-01-01T00:00:00Z: any will do, as long as it is always the same.
constexpr Instant kStart{1'767'225'600'000'000};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

template <typename IdType>
IdType id_of(const std::string& digits) {
  return IdType{std::stoull(digits)};
}

template <typename Tag>
std::string number(Id<Tag> id) {
  return std::to_string(id.value);
}

// What of it the worker has to fetch: " + ink 1a2b3c4d".
std::string to_fetch(const RenderSpec& spec) {
  std::string text;
  for (const RecipeLora& lora : spec.loras) {
    if (lora.sha256) text += " + " + lora.name + " " + to_hex(lora.sha256).substr(0, 8);
  }
  return text;
}

}  // namespace

// The first word, the words without '=', and the ones with it.
struct Transcript::Command {
  std::string verb;
  std::vector<std::string> words;
  std::map<std::string, std::string> named;

  explicit Command(const std::string& line) {
    for (const std::string& word : split(line, ' ')) {
      const std::size_t equals = word.find('=');
      if (verb.empty()) {
        verb = word;
      } else if (equals == std::string::npos) {
        words.push_back(word);
      } else {
        named[word.substr(0, equals)] = word.substr(equals + 1);
      }
    }
  }
  const std::string& word(std::size_t i) const {
    if (i >= words.size()) throw std::invalid_argument("'" + verb + "' needs more words");
    return words[i];
  }
  std::string get(const std::string& name, const std::string& otherwise) const {
    const auto found = named.find(name);
    return found == named.end() ? otherwise : found->second;
  }
  std::string rest(std::size_t first) const {
    std::string text;
    for (std::size_t i = first; i < words.size(); ++i) text += (i > first ? " " : "") + words[i];
    return text;
  }
};

Transcript::Transcript() : now_(kStart), core_(std::in_place, State{}, Policy{}, kStart) {}

std::string Transcript::replay(const std::string& text) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(">")) continue;
    out_ << line << '\n';
    if (!line.empty() && !line.starts_with("#")) run(Command(line));
  }
  return out_.str();
}

void Transcript::run(const Command& command) {
  if (command.verb == "advance") {
    advance(command);
  } else if (command.verb == "pause") {
    now_ = now_ + seconds(std::stoi(command.word(0)));
    step(Ticked{});
  } else if (command.verb == "set_back") {
    now_ = now_ - seconds(std::stoi(command.word(0)));
  } else if (command.verb == "restart") {
    core_.emplace(rows_.load(), Policy{}, now_);
  } else if (!run_person(command) && !run_worker(command) && !run_assembly(command)) {
    throw std::invalid_argument("no such command: " + command.verb);
  }
}

bool Transcript::run_person(const Command& command) {
  if (command.verb == "submit") {
    submit(command);
  } else if (command.verb == "drain") {
    WorkerId id{999};
    for (const auto& [known, worker] : rows_.workers) {
      if (worker.name == command.word(0)) id = known;
    }
    step(WorkerDrainRequested{{++requests_}, id});
  } else if (command.verb == "lora") {
    LoraOffered offer{{++requests_}, command.get("by", ""), command.word(0), {}, 0, {}, false};
    offer.sha256 = sha256(command.get("content", "a LoRA"));
    offer.bytes = std::stoull(command.get("bytes", "100"));
    if (command.named.contains("trigger")) offer.trigger = command.get("trigger", "");
    offer.replace = command.words.size() > 1 && command.word(1) == "replace";
    step(offer);
  } else if (command.verb == "retire_lora") {
    step(LoraRetired{{++requests_}, command.get("by", ""), command.word(0)});
  } else {
    return run_change(command);
  }
  return true;
}

bool Transcript::run_change(const Command& command) {
  const std::string& verb = command.verb;
  const auto change = [&](auto what) {
    step(ChangeRequested{{++requests_}, command.get("by", ""), std::move(what)});
    return true;
  };
  if (verb == "cancel" || verb == "pause_batch" || verb == "resume" || verb == "priority") {
    const auto batch = id_of<BatchId>(command.word(0));
    if (verb == "cancel") return change(CancelBatch{batch});
    if (verb == "priority") return change(SetPriority{batch, std::stoi(command.word(1))});
    return change(PauseBatch{batch, verb == "pause_batch"});
  }
  if (verb == "cancel_sheet") return change(CancelSheet{id_of<SheetId>(command.word(0))});
  if (verb == "approve_sheet") {
    return change(ReviewSheet{id_of<SheetId>(command.word(0)), Review::approved, ""});
  }
  if (verb == "approve" || verb == "reject") {
    return change(ReviewPose{id_of<PoseId>(command.word(0)),
                             verb == "approve" ? Review::approved : Review::rejected,
                             command.rest(1)});
  }
  if (verb == "choose") {
    return change(ChooseTake{id_of<PoseId>(command.word(0)),
                             static_cast<std::uint32_t>(std::stoul(command.word(1)))});
  }
  if (verb != "reroll") return false;
  RerollPose reroll{id_of<PoseId>(command.word(0)), {}, {}};
  if (command.named.contains("seed")) reroll.seed = std::stoull(command.get("seed", ""));
  if (command.named.contains("note")) reroll.correction = command.get("note", "");
  return change(reroll);
}

void Transcript::submit(const Command& command) {
  BatchSubmitted event;
  event.request = {++requests_};
  BatchSpec& batch = event.batch;
  batch.name = command.get("name", "batch" + std::to_string(++batches_));
  batch.owner = command.get("owner", "studio");
  batch.idle_only = command.get("idle_only", "no") == "yes";
  batch.recipe.required_tags = split(command.get("requires", ""), ',');
  batch.priority = std::stoi(command.get("priority", "50"));
  if (command.named.contains("deadline")) {
    batch.deadline = now_ + seconds(std::stoi(command.get("deadline", "")));
  }
  batch.recipe.model = command.get("model", "tiny");
  for (const std::string& lora : split(command.get("loras", ""), ',')) {
    batch.recipe.loras.push_back({lora, 1, ""});
    if (command.named.contains("pinned")) {
      batch.recipe.loras.back().sha256 = sha256(command.get("pinned", ""));
    }
  }
  batch.recipe.prompt = "{view}";
  batch.recipe.proof = command.get("proof", "");
  batch.recipe.held_fills_idle = command.get("held", "wait") == "fill_idle";
  for (const std::string& pose : split(command.get("poses", "front"), ',')) {
    batch.recipe.views.push_back({pose, 0, pose + " view", "", "front", "viewer"});
  }
  event.key = command.get("key", "");
  event.digest = sha256(command.get("content", "the same"));
  const int characters = std::stoi(command.get("characters", "1"));
  for (int i = 1; i <= characters; ++i) {
    const std::string character = batch.name + "." + std::to_string(i);
    SheetSpec sheet{character, sha256(character), "", std::nullopt};
    // The last character has a priority and views of its own, where they are named.
    if (i == characters && command.named.contains("last_priority")) {
      sheet.priority = std::stoi(command.get("last_priority", ""));
    }
    if (i == characters) {
      for (const std::string& view : split(command.get("last_views", ""), ',')) {
        sheet.views.push_back(static_cast<std::uint32_t>(std::stoul(view)));
      }
    }
    batch.sheets.push_back(std::move(sheet));
  }
  step(event);
}

bool Transcript::run_worker(const Command& command) {
  const std::string& verb = command.verb;
  if (verb == "hello") {
    hello(command);
    return true;
  }
  if (verb != "heartbeat" && verb != "goodbye" && verb != "capacity" && verb != "refuse" &&
      verb != "progress" && verb != "fail" && verb != "finish") {
    return false;
  }
  const LinkId link = link_of(command.word(0));
  if (verb == "heartbeat") {
    WorkerWasHeard heard{link, "", {}};
    if (command.named.contains("capacity")) {
      heard.capacity = static_cast<std::uint32_t>(std::stoul(command.get("capacity", "")));
    }
    return step(heard), true;
  }
  if (verb == "goodbye") return step(WorkerSaidGoodbye{link}), true;
  if (verb == "capacity") {
    const auto capacity = static_cast<std::uint32_t>(std::stoul(command.word(1)));
    return step(WorkerChangedCapacity{link, capacity, command.rest(2)}), true;
  }
  const auto lease = id_of<LeaseId>(command.word(1));
  if (verb == "refuse") step(LeaseRefused{link, lease, command.rest(2)});
  if (verb == "progress") {
    const auto steps = split(command.word(2), '/');
    step(LeaseProgressed{link, lease, static_cast<std::uint32_t>(std::stoul(steps.at(0))),
                         static_cast<std::uint32_t>(std::stoul(steps.at(1)))});
  }
  if (verb == "fail") {
    const std::string& word = command.word(2);
    const FailureClass failure = word == "job"      ? FailureClass::job
                                 : word == "worker" ? FailureClass::worker
                                                    : FailureClass::retryable;
    step(LeaseFailed{link, lease, failure, command.rest(3)});
  }
  if (verb == "finish") {
    const auto given = rows_.leases.find(lease);
    const JobId job = command.named.contains("job") ? id_of<JobId>(command.get("job", ""))
                      : given != rows_.leases.end() ? given->second.job
                                                    : JobId{};
    const Digest picture = sha256("picture under lease " + command.get("as", command.word(1)));
    step(LeaseFinished{link, lease, job, picture, "{}", command.rest(2) != "unstored"});
  }
  return true;
}

void Transcript::hello(const Command& command) {
  WorkerSaidHello event;
  event.name = command.word(0);
  event.link = {++links_};
  event.device_kind = "cpu";
  event.device_name = command.get("device", "cpu of " + event.name);
  event.tags = split(command.get("tags", ""), ',');
  event.engine_build = "sim";
  event.capacity = static_cast<std::uint32_t>(std::stoul(command.get("capacity", "1")));
  event.models = split(command.get("models", "tiny"), ',');
  event.loras = split(command.get("loras", ""), ',');
  event.lora_cache_bytes = std::stoull(command.get("lora_cache", "0"));
  for (const std::string& lease : split(command.get("held", ""), ',')) {
    const auto id = id_of<LeaseId>(lease);
    const auto given = rows_.leases.find(id);
    event.held.push_back({id, given == rows_.leases.end() ? JobId{} : given->second.job});
  }
  newest_link_[event.name] = event.link;
  worker_of_link_[event.link] = event.name;
  step(event);
}

bool Transcript::run_assembly(const Command& command) {
  if (command.verb != "assembled" && command.verb != "assembly_failed") return false;
  const auto sheet = id_of<SheetId>(command.word(0));
  const auto version = static_cast<std::uint32_t>(std::stoul(command.word(1).substr(1)));
  if (command.verb == "assembled") {
    step(SheetAssembled{sheet, version, sha256("sheet"), sha256("thumbnail"),
                        command.named.contains("checks") ? command.get("checks", "") : "[]"});
  } else {
    const bool disk = command.word(2) == "io";
    step(SheetAssemblyFailed{
        sheet, version, {disk ? Errc::io : Errc::busy, command.rest(disk ? 3 : 2)}});
  }
  return true;
}

void Transcript::advance(const Command& command) {
  const int length = std::stoi(command.word(0));
  for (int second = 0; second < length; ++second) {
    now_ = now_ + seconds(1);
    for (const std::string& worker : split(command.get("heard", ""), ',')) {
      step(WorkerWasHeard{link_of(worker), ""});
    }
    step(Ticked{});
  }
}

void Transcript::step(const Event& event) {
  const Effects effects = core_->step(event, now_);
  rows_.apply(effects.writes);
  print(effects);
  check();
  for (const Recall& wanted : effects.recalls) {
    out_ << "> recall\n";
    step(BatchRecalled{rows_.recall(wanted), wanted.then});
  }
}

void Transcript::check() {
  for (const std::string& broken : core_->find_broken_invariants())
    out_ << "> BROKEN " << broken << '\n';
  if (describe(rows_.load()) != describe(core_->state())) {
    out_ << "> BROKEN the rows give\n"
         << describe(rows_.load()) << "and the core has\n"
         << describe(core_->state());
  }
}

void Transcript::print(const Effects& effects) {
  for (const Write& write : effects.writes) {
    if (const auto* event = std::get_if<AppendEvent>(&write)) print(event->row);
  }
  for (const Reply& reply : effects.replies) {
    if (const auto* submitted = std::get_if<Submitted>(&reply.answer)) {
      out_ << "> reply batch " << submitted->batch.value << ", " << submitted->sheets << " sheets, "
           << submitted->jobs << " jobs" << (submitted->again ? ", again\n" : "\n");
    } else if (const auto* rerolled = std::get_if<Rerolled>(&reply.answer)) {
      out_ << "> reply job " << rerolled->job.value << ", take " << rerolled->take << '\n';
    } else if (const auto* registered = std::get_if<Registered>(&reply.answer)) {
      out_ << "> reply lora " << registered->lora.id.value << " of "
           << to_hex(registered->lora.sha256).substr(0, 8)
           << (registered->again ? ", again\n" : "\n");
    } else if (const auto* error = std::get_if<Error>(&reply.answer)) {
      out_ << "> reply error: " << error->what << '\n';
    } else {
      out_ << "> reply accepted\n";
    }
  }
  for (const Send& message : effects.sends) print(message);
  for (const AssembleSheet& task : effects.tasks) print(task);
  for (const Progress& progress : effects.progress) {
    out_ << "> progress job " << progress.job.value << ": " << progress.step << " of "
         << progress.of << '\n';
  }
}

void Transcript::print(const LedgerRow& row) {
  out_ << "> event " << row.kind;
  // The finest thing it is about says enough.
  if (row.job) {
    out_ << " job " << row.job.value;
  } else if (row.sheet) {
    out_ << " sheet " << row.sheet.value;
  } else if (row.batch) {
    out_ << " batch " << row.batch.value;
  }
  if (row.lease) out_ << " lease " << row.lease.value;
  if (row.worker) out_ << ' ' << rows_.workers.at(row.worker).name;
  const bool digest = row.detail.size() == 64 && row.detail.find(' ') == std::string::npos;
  if (!row.detail.empty()) out_ << ": " << (digest ? row.detail.substr(0, 8) : row.detail);
  out_ << '\n';
}

void Transcript::print(const Send& message) {
  struct Words {
    Transcript& self;
    std::string operator()(const SendWelcome& send) { return "welcome " + self.name_of(send.link); }
    std::string operator()(const SendAssign& send) {
      const Job& job = self.rows_.jobs.at(send.job);
      return "assign " + self.name_of(send.link) + " lease " + number(send.lease) + " job " +
             number(send.job) + ": " + self.rows_.sheets.at(job.sheet).character + " " +
             send.spec.prompt + to_fetch(send.spec);
    }
    std::string operator()(const SendAcknowledged& send) {
      return "acknowledge " + self.name_of(send.link) + " lease " + number(send.lease) +
             (send.duplicate ? " as a duplicate" : "");
    }
    std::string operator()(const SendResultWanted& send) {
      return "want the picture " + self.name_of(send.link) + " lease " + number(send.lease);
    }
    std::string operator()(const SendCancel& send) {
      return "cancel " + self.name_of(send.link) + " lease " + number(send.lease);
    }
    std::string operator()(const SendDrain& send) { return "drain " + self.name_of(send.link); }
    std::string operator()(const SendHelloWanted& send) {
      return "want a hello " + self.name_of(send.link);
    }
  };
  out_ << "> " << std::visit(Words{*this}, message) << '\n';
}

void Transcript::print(const AssembleSheet& task) {
  out_ << "> assemble sheet " << task.sheet.value << " v" << task.version << ": " << task.character;
  for (const PlannedView& view : task.views) {
    out_ << ' ' << view.view.id << (view.picture ? "" : "(gap)");
  }
  out_ << '\n';
}

LinkId Transcript::link_of(const std::string& worker) const {
  const std::size_t at = worker.find('@');
  if (at != std::string::npos) return id_of<LinkId>(worker.substr(at + 1));
  const auto found = newest_link_.find(worker);
  if (found == newest_link_.end()) throw std::invalid_argument(worker + " never said hello");
  return found->second;
}

std::string Transcript::name_of(LinkId link) const {
  const auto found = worker_of_link_.find(link);
  return (found == worker_of_link_.end() ? "?" : found->second) + "@" + number(link);
}

}  // namespace pirouette::sim
