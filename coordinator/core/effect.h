#pragma once
// What is to be done, as the core says it. Imperative. The runtime commits all writes of a round in
// one transaction FIRST; only when that is durable does it send, reply and start tasks. So whatever
// anyone was told survives a power cut.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/result.h"
#include "coordinator/core/change.h"
#include "coordinator/core/state.h"

namespace pirouette::core {

// --- writes: whole rows, inserted or replaced by their id
// --------------------------------------------

struct PutBatch {
  Batch row;
};
struct PutSheet {
  Sheet row;
};
struct PutPose {
  Pose row;
};
struct PutJob {
  Job row;
};
struct PutLease {
  Lease row;
};
struct PutWorker {
  Worker row;
};
struct PutLora {
  Lora row;
};
struct AppendEvent {
  LedgerRow row;
};
using Write =
    std::variant<PutBatch, PutSheet, PutPose, PutJob, PutLease, PutWorker, PutLora, AppendEvent>;

// --- sends: messages to one worker process
// -----------------------------------------------------------

struct SendWelcome {
  LinkId link;
  WorkerId worker;
  Duration heartbeat;  // say something at least this often
  Duration lease;      // silent for this long, its leases end
};
struct SendAssign {
  LinkId link;
  LeaseId lease;
  JobId job;
  std::uint32_t attempt = 0;
  RenderSpec spec;
};
// The result is durable, or not wanted: the worker may forget it. duplicate: another one was first,
// or the job was cancelled.
struct SendAcknowledged {
  LinkId link;
  LeaseId lease;
  JobId job;
  bool duplicate = false;
};
// Its blob is not there: send it again, then say so again.
struct SendResultWanted {
  LinkId link;
  LeaseId lease;
  JobId job;
  Digest result;
};
struct SendCancel {
  LinkId link;
  LeaseId lease;
};
struct SendDrain {
  LinkId link;
};
// The core does not know this link (it restarted, or gave the worker up): say Hello again.
struct SendHelloWanted {
  LinkId link;
};
using Send = std::variant<SendWelcome, SendAssign, SendAcknowledged, SendResultWanted, SendCancel,
                          SendDrain, SendHelloWanted>;

// --- replies: answers to a person's request
// -----------------------------------------------------------

struct Submitted {
  BatchId batch;
  std::uint32_t sheets = 0, jobs = 0;
  bool again = false;  // it was there already, under the same key
};
struct Rerolled {
  JobId job;
  std::uint32_t take = 0;
};
struct Registered {
  Lora lora;
  bool again = false;  // just these bytes had the name already
};
struct Accepted {};
using ReplyText = std::variant<Submitted, Rerolled, Registered, Accepted, Error>;
struct Reply {
  RequestId request;
  ReplyText answer;
};

// --- tasks: work off the loop, answered by an event
// ---------------------------------------------------

struct PlannedView {
  View view;
  std::optional<Digest> picture;  // none: this pose failed for good, its gap is marked
};
// Answered by SheetAssembled or SheetAssemblyFailed of the same sheet and version.
struct AssembleSheet {
  SheetId sheet;
  std::uint32_t version = 0;
  std::string character;
  std::vector<PlannedView> views;  // in the recipe's order
};

// The rows of a settled batch are wanted, as they are once this round is committed. Answered by
// BatchRecalled, before any other event.
struct Recall {
  BatchId batch;  // exactly one of these
  SheetId sheet;
  PoseId pose;
  ChangeRequested then;
};

// Not durable, for those who watch just now.
struct Progress {
  BatchId batch;
  SheetId sheet;
  PoseId pose;
  JobId job;
  WorkerId worker;
  std::uint32_t step = 0, of = 0;
};

struct Effects {
  std::vector<Write> writes;
  std::vector<Send> sends;
  std::vector<Reply> replies;
  std::vector<AssembleSheet> tasks;
  std::vector<Recall> recalls;
  std::vector<Progress> progress;
};

}  // namespace pirouette::core
