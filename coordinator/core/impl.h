#pragma once
// The core's inside: one member function a kind of event, in files by what they are about:
// requests.cpp and changes.cpp (people), workers.cpp, leases.cpp, runs.cpp, sheets.cpp; core.cpp
// holds the step itself and the words that all of them write with.
//
// A step changes the State, and says each change in out_ as a whole row: replaying the rows gives
// the State again. Everything beside the State here is derived from it and rebuilt at a start.
//
// Lives in the runtime's loop, inside Core.

#include <deque>
#include <set>

#include "coordinator/core/core.h"
#include "coordinator/core/durations.h"
#include "coordinator/core/fair_share.h"
#include "coordinator/core/farm_watch.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/queue.h"
#include "coordinator/core/retry.h"
#include "coordinator/core/runs.h"

namespace pirouette::core {

struct Plan;  // forecast.h

// What the rows of a sheet in memory do not say by themselves.
struct OpenSheet {
  std::vector<JobId> jobs;              // all its takes
  std::uint32_t jobs_open = 0;          // held, queued or leased
  std::uint32_t version_asked = 0;      // of the newest AssembleSheet
  std::uint32_t assembly_failures = 0;  // of that version's pictures
  std::uint32_t disk_failures = 0;      // likewise; they count for the pause only
  ClassId device_class = 0;             // on which the character was begun
};

class Core::Impl {
 public:
  Impl(State state, Policy policy, Instant now);

  void step(const Event& event, Instant now, Effects& round);
  const State& state() const { return state_; }
  std::vector<std::string> find_broken_invariants() const;

 private:
  // requests.cpp
  void on(const BatchSubmitted& event);
  void on(const WorkerDrainRequested& event);
  void add_sheet(Batch& batch, const SheetSpec& spec, std::uint32_t index);
  bool answer_again(const BatchSubmitted& event);
  void remember_submission(const Batch& batch);
  void reply(RequestId request, ReplyText answer);

  // loras.cpp
  void on(const LoraOffered& event);
  void on(const LoraRetired& event);
  Lora* find_lora(const std::string& name);
  void take_trigger(Lora& lora, const LoraOffered& event);
  void retire(Lora& lora);
  Result<std::shared_ptr<const Recipe>> pin_loras(const Recipe& recipe) const;

  // changes.cpp
  void on(const ChangeRequested& event);
  void on(const BatchRecalled& event);
  void adopt(const State& rows);
  ReplyText make(const RerollPose& change, const std::string& by);
  ReplyText make(const ReviewPose& change, const std::string& by);
  ReplyText make(const ChooseTake& change, const std::string& by);
  ReplyText make(const ReviewSheet& change, const std::string& by);
  ReplyText make(const CancelSheet& change, const std::string& by);
  ReplyText make(const CancelBatch& change, const std::string& by);
  ReplyText make(const PauseBatch& change, const std::string& by);
  ReplyText make(const SetPriority& change, const std::string& by);
  Job& add_take(Pose& pose, const RerollPose& change);
  void review(Pose& pose, Review review, const std::string& note);
  void judge_again(Sheet& sheet);
  void cancel_jobs(const Sheet& sheet, const std::string& why);
  void cancel_job(Job& job, const std::string& why);
  void end_cancelled(Sheet& sheet, const std::string& detail);

  // workers.cpp
  void on(const WorkerSaidHello& event);
  void on(const WorkerChangedCapacity& event);
  void on(const WorkerWasHeard& event);
  void on(const WorkerSaidGoodbye& event);
  void on(const Ticked& event);
  Worker& find_or_add_worker(const std::string& name);
  void compare_held(LiveWorker& live, const std::vector<HeldLease>& held);
  void set_capacity(Worker& worker, std::uint32_t capacity, const std::string& why);
  void believe_heartbeat(Worker& worker, const WorkerWasHeard& event);
  void part_with(WorkerId worker, WorkerState to, std::string_view kind, const std::string& why);
  void forgive_our_pause();
  Duration heartbeat_now() const;
  Duration lease_of(const LiveWorker& live) const;
  void welcome(LiveWorker& live);
  void pace_heartbeats();
  void give_up_missing(const LiveWorker& live);
  void note_trouble(LiveWorker& live);
  void note_cannot_work(LiveWorker& live, const std::string& why);
  void rest(LiveWorker& live, std::uint32_t doublings, const std::string& why);
  void reckon(LiveWorker& live);
  void write_heard_workers();
  // The worker that speaks, and now is heard; null when it is not to be listened to. An unknown
  // link is asked to say Hello.
  LiveWorker* listen(LinkId link);

  // leases.cpp
  void on(const LeaseRefused& event);
  void on(const LeaseProgressed& event);
  void on(const LeaseFailed& event);
  void on(const LeaseFinished& event);
  void accept_result(Job& job, const Lease& lease, const LeaseFinished& event);
  void refuse_result(const LeaseFinished& event, const std::string& why);
  void note_foreign(const LeaseFinished& event);
  void show_take(const Job& job);
  void show(Pose& pose, JobId take);
  // The job's lease ends. Returns what its worker had to do with it.
  Duration end_lease(Job& job);
  void requeue(Job& job, const std::string& why);
  void lose_lease(LeaseId lease, const std::string& why);
  void fail_for_good(Job& job, const std::string& why);
  const Lease* find_lease(JobId job, LeaseId lease) const;
  void forget_leases(JobId job);
  void fill_workers();
  std::optional<Choice> choose_for(const LiveWorker& live) const;
  LiveWorker& find_better_prepared(LiveWorker& live, JobId job);
  bool may_take(JobId job, const Worker& worker) const;
  void lease(LiveWorker& live, const Choice& choice);
  void begin_lease(LiveWorker& live, Job& job, const Lease& lease, const std::string& detail);
  bool take_up_again(LiveWorker& live, const HeldLease& claim);

  // runs.cpp
  Queue::Place place_of(const Batch& batch, const Job& job);
  void enqueue(const Batch& batch, const Sheet& sheet, const Job& job);
  void dequeue(const Batch& batch, const Sheet& sheet, const Job& job);
  ClassId class_of(const Worker& worker);
  KindId kind_of_jobs(const Batch& batch);
  Run& begin_run(LiveWorker& live, const Job& job, LeaseId lease, bool cold);
  void begin_on_class(const Batch& batch, const Sheet& sheet, const Job& job, ClassId device);
  Duration end_run(LeaseId lease);
  void charge(Batch& batch, Duration took);
  void measure(const Run& run, Duration took);
  void recall_use();
  void recall_durations();

  // failures.cpp
  void fail_attempt(LiveWorker& live, Job& job, FailureClass failure, const std::string& why);
  void doubt(LiveWorker& live, JobId failed, const std::string& why);
  void probe_later(LiveWorker& live);
  void release(LiveWorker& live, const std::string& why);
  void probe_if_due(LiveWorker& live);
  bool judge_probe(const LeaseFinished& event);
  bool end_probe(LiveWorker& live, LeaseId lease);
  void note_picture(const Job& job, const Worker& maker, bool just_now);
  void stop_if_broken(const std::string& why);
  void resume();
  bool may_dispatch() const;
  void end_hung_jobs();
  std::optional<std::string> find_hang(const Run& run, const LiveWorker& live) const;
  bool refuse_too_fast(LiveWorker& live, Job& job, const LeaseFinished& event);

  // tail.cpp
  void twin_slow_jobs();
  bool is_sooner(const LiveWorker& live, const Run& run, Instant ends_at) const;
  void begin_twin(LiveWorker& live, JobId id);
  bool is_twin(LeaseId lease) const;
  Duration end_twin(JobId id, const std::string& why, bool cancel);
  bool promote_twin(Job& job);

  // outlook.cpp
  Plan make_plan();
  void add_held(Plan& plan, std::map<BatchId, std::int64_t> known);
  void look_ahead();
  void tell(Batch& batch, std::optional<Instant> p50, std::optional<Instant> p90);

  // proofs.cpp
  bool is_proof(const Batch& batch, const Pose& pose) const;
  Pose* find_proof(const Sheet& sheet);
  bool waits_for_proof(const Job& job);
  void enqueue_or_hold(const Batch& batch, const Sheet& sheet, Job& job);
  void assemble_proof(Sheet& sheet);
  void judge_proof(Sheet& sheet);
  void say_unproven(const Sheet& sheet, const std::string& why);
  void pass_proof(Sheet& sheet, const std::string& why);

  // sheets.cpp
  void on(const SheetAssembled& event);
  void on(const SheetAssemblyFailed& event);
  void job_ended(const Job& job);  // one less open in its sheet
  void reopen(Sheet& sheet);       // a settled sheet changes again
  void assemble_due_sheets();
  void assemble(Sheet& sheet);
  void assemble_later(const Sheet& sheet, const std::string& why);
  void assemble_again_when_due();
  void settle(Sheet& sheet, SheetState to, std::string_view kind, const std::string& detail);
  SheetState judge(const Sheet& sheet) const;
  void drop_if_settled(BatchId batch);

  // core.cpp
  void rebuild();
  void derive(const Sheet& sheet);
  void derive(const Job& job);
  Batch& get_batch(BatchId id);
  Sheet& get_sheet(SheetId id);
  Job& get_job(JobId id);
  Worker& get_worker(WorkerId id);
  Pose& get_pose(PoseId id);
  void put(const Batch& row) { out_.writes.push_back(PutBatch{row}); }
  void put(const Sheet& row) { out_.writes.push_back(PutSheet{row}); }
  void put(const Pose& row) { out_.writes.push_back(PutPose{row}); }
  void put(const Job& row) { out_.writes.push_back(PutJob{row}); }
  void put(const Lease& row) { out_.writes.push_back(PutLease{row}); }
  void put(const Worker& row);
  void send(Send message) { out_.sends.push_back(std::move(message)); }
  void note(std::string_view kind, const Batch& batch, std::string detail);
  void note(std::string_view kind, const Sheet& sheet, std::string detail);
  void note(std::string_view kind, const Pose& pose, std::string detail);
  void note(std::string_view kind, const Job& job, LeaseId lease, WorkerId worker,
            std::string detail);
  void note(std::string_view kind, const Worker& worker, std::string detail);
  void append(LedgerRow row);

  // invariants.cpp
  void compare_queue(std::vector<std::string>& broken) const;
  void compare_leases(std::vector<std::string>& broken) const;
  void compare_sheets(std::vector<std::string>& broken) const;

  const Policy policy_;
  State state_;

  // Derived.
  Queue queue_;
  std::uint64_t searched_revision_ = 0;  // of the queue, when the fleet last searched it
  Fleet fleet_;
  FairShare shares_;
  Durations durations_;
  Runs runs_;
  std::map<JobId, Twin> twins_;  // of leased jobs
  std::map<BatchId, KindId> kinds_;
  Instant look_at_;  // when the forecast is made next
  FarmWatch watch_;
  KnownPictures known_pictures_;
  Avoidance avoidance_;
  std::set<LeaseId> told_to_drop_;      // of those kept
  std::set<LeaseId> too_fast_;          // likewise; their pictures were not rendered
  std::set<WorkerId> brought_foreign_;  // pictures of another farm; said already
  std::map<std::string, WorkerId> worker_by_name_;
  std::map<BatchId, SheetId> first_sheets_;  // a batch's sheets are numbered in a row
  std::map<SheetId, OpenSheet> open_sheets_;
  std::set<SheetId> assemble_now_;             // at the end of this step
  std::map<SheetId, Instant> assemble_again_;  // with the first tick from then on
  std::deque<std::string> submission_order_;   // their keys, the oldest first

  Instant ticked_at_;  // rests and refusals end with a tick, never between

  // Of the step that runs just now.
  Instant now_;
  Duration set_back_;          // what the caller's clock was set back by since the start
  std::set<BatchId> touched_;  // may be settled now
  Effects out_;                // the whole round's, this step's behind the others'
};

}  // namespace pirouette::core
