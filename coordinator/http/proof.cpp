#include "coordinator/http/proof.h"

#include <algorithm>

namespace pirouette::http {
namespace {

constexpr const char* kRestore = "; restore the database from a backup";
constexpr const char* kRestoreFile = "; restore the file from a backup";
constexpr const char* kRender = "; restore the file from a backup, or have the view rendered again";

std::string number(auto id) { return std::to_string(id.value); }

class Prover {
 public:
  Prover(const store::ProofSheet& proof, const CheckBlob& check_blob)
      : proof_(proof), check_blob_(check_blob) {}

  std::vector<Finding> run() {
    for (const core::Job& job : proof_.jobs) prove_job(job);
    for (const core::Pose& pose : proof_.poses) prove_pose(pose);
    prove_pictures();
    return std::move(findings_);
  }

 private:
  Finding& find(std::string kind, std::string what) {
    Finding finding{.kind = std::move(kind), .what = std::move(what)};
    finding.sheet = proof_.sheet.id;
    findings_.push_back(std::move(finding));
    return findings_.back();
  }
  Finding& find(std::string kind, const core::Job& job, const std::string& what) {
    Finding& finding = find(std::move(kind), "job " + number(job.id) + " " + what);
    finding.job = job.id;
    finding.pose = job.pose;
    return finding;
  }

  void prove_job(const core::Job& job) {
    std::vector<const core::LedgerRow*> accepted;
    for (const core::LedgerRow& row : proof_.accepted) {
      if (row.job == job.id) accepted.push_back(&row);
    }
    if (job.state != core::JobState::done) {
      if (!accepted.empty()) {
        find("accepted_not_done", job,
             "has an accepted result in the ledger and is " + std::string(name(job.state)) +
                 kRestore);
      }
      return;
    }
    if (accepted.empty()) {
      find("accepted_missing", job,
           std::string("is done and the ledger accepted no result of it") + kRestore);
      return;
    }
    if (accepted.size() > 1) {
      find("accepted_twice", job,
           "has " + std::to_string(accepted.size()) + " accepted results in the ledger" + kRestore);
    }
    if (std::ranges::none_of(accepted, [&](const core::LedgerRow* row) {
          return row->detail == to_hex(job.result);
        })) {
      find("result_differs", job,
           "shows another picture than the one that the ledger accepted" + std::string(kRestore))
          .blob = job.result;
    }
    for (const core::LedgerRow* row : accepted) prove_lease(job, *row);
  }

  void prove_lease(const core::Job& job, const core::LedgerRow& accepted) {
    const auto lease = std::ranges::find_if(proof_.leases, [&](const core::Lease& one) {
      return one.job == job.id && one.id == accepted.lease;
    });
    if (lease == proof_.leases.end()) {
      find("lease_missing", job,
           "was accepted under the lease " + number(accepted.lease) + ", which it never had" +
               kRestore)
          .worker = accepted.worker;
      return;
    }
    if (lease->worker != accepted.worker || lease->worker != job.worker) {
      find("wrong_worker", job,
           "says that worker " + number(job.worker) + " made it, the ledger worker " +
               number(accepted.worker) + ", and the lease was worker " + number(lease->worker) +
               "'s" + kRestore)
          .worker = job.worker;
    }
  }

  void prove_pose(const core::Pose& pose) {
    const auto is_take = [&](JobId id, bool done) {
      return std::ranges::any_of(proof_.jobs, [&](const core::Job& job) {
        return job.id == id && job.pose == pose.id && (!done || job.state == core::JobState::done);
      });
    };
    if (pose.chosen && !is_take(pose.chosen, true)) {
      Finding& finding =
          find("chosen_take", "pose " + number(pose.id) + " shows job " + number(pose.chosen) +
                                  ", which is no done take of it; choose another take");
      finding.pose = pose.id;
      finding.job = pose.chosen;
    }
    if (!is_take(pose.latest, false)) {
      Finding& finding =
          find("latest_take", "pose " + number(pose.id) + " names job " + number(pose.latest) +
                                  " as its latest take, which is none of it" + kRestore);
      finding.pose = pose.id;
      finding.job = pose.latest;
    }
  }

  void prove_pictures() {
    const core::Sheet& sheet = proof_.sheet;
    const bool finished =
        sheet.state == core::SheetState::ready || sheet.state == core::SheetState::approved;
    if (finished && (!sheet.picture || !sheet.thumbnail)) {
      find("sheet_without_picture", "sheet " + number(sheet.id) + " is " +
                                        std::string(name(sheet.state)) + " and has no picture" +
                                        kRestore);
    }
    prove_blob(sheet.reference, "the reference of " + sheet.character,
               "; restore the file from a backup, or send the reference again", nullptr);
    if (sheet.original != sheet.reference) {
      prove_blob(sheet.original, "what the studio sent of " + sheet.character,
                 "; restore the file from a backup, or send it again", nullptr);
    }
    prove_blob(sheet.picture, "the sheet of " + sheet.character, kRender, nullptr);
    prove_blob(sheet.thumbnail, "the small sheet of " + sheet.character, kRender, nullptr);
    for (const store::SheetVersion& version : proof_.versions) {
      if (version.version == sheet.version) continue;
      const std::string of = "version " + std::to_string(version.version) + " of the ";
      prove_blob(version.picture, of + "sheet of " + sheet.character, kRestoreFile, nullptr);
      prove_blob(version.thumbnail, of + "small sheet of " + sheet.character, kRestoreFile,
                 nullptr);
    }
    for (const core::Job& job : proof_.jobs) {
      if (job.state == core::JobState::done) {
        prove_blob(job.result, "the picture of job " + number(job.id), kRender, &job);
      }
    }
  }

  // job: whose picture it is; null: the sheet's.
  void prove_blob(const Digest& digest, const std::string& what, const std::string& to_do,
                  const core::Job* job) {
    if (!digest) return;
    const Result<void> checked = check_blob_(digest);
    if (checked.ok()) return;
    const Error& error = checked.error();
    const bool gone = error.code == Errc::not_found, damaged = error.code == Errc::corrupt;
    Finding& finding = find(
        gone      ? "blob_missing"
        : damaged ? "blob_damaged"
                  : "blob_unreadable",
        what + " (" + to_hex(digest) + ") " +
            (gone      ? "is gone" + to_do
             : damaged ? "has other bytes than its name promises" + to_do
                       : "cannot be read: " + error.what + "; mend the disk and verify again"));
    finding.blob = digest;
    if (!job) return;
    finding.job = job->id;
    finding.pose = job->pose;
  }

  const store::ProofSheet& proof_;
  const CheckBlob& check_blob_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> find_broken(const store::ProofSheet& proof, const CheckBlob& check_blob) {
  return Prover(proof, check_blob).run();
}

std::vector<Finding> compare_counts(const core::Batch& batch, const store::BatchCounts& rows) {
  std::vector<Finding> findings;
  const auto compare = [&](const char* what, std::uint32_t said, std::uint32_t counted) {
    if (said == counted) return;
    findings.push_back({.kind = "count_differs",
                        .what = "batch " + number(batch.id) + " says " + what + " " +
                                std::to_string(said) + ", its rows are " + std::to_string(counted) +
                                kRestore});
  };
  compare("sheets", batch.sheets, rows.sheets);
  compare("sheets_open", batch.sheets_open, rows.sheets_open);
  compare("jobs", batch.jobs, rows.jobs);
  compare("jobs_done", batch.jobs_done, rows.jobs_done);
  compare("jobs_failed", batch.jobs_failed, rows.jobs_failed);
  compare("jobs_cancelled", batch.jobs_cancelled, rows.jobs_cancelled);
  return findings;
}

}  // namespace pirouette::http
