#pragma once
// The proof of law 3, "a finished render is never lost", from the ledger: each done job has exactly
// one accepted result, that result is the job's, it came under a lease that its worker had, and
// every picture is there with the bytes that its name promises. Pure but for the one question about
// a blob, which the caller answers.
//
// A finding is what does not hold, to whom it happened, and what to do.

#include <functional>
#include <string>
#include <vector>

#include "common/hash.h"
#include "common/result.h"
#include "coordinator/store/read_model.h"

namespace pirouette::http {

struct Finding {
  std::string kind;  // one of schema/openapi.yaml's Finding
  std::string what;
  SheetId sheet = {};  // ids that do not apply are none
  PoseId pose = {};
  JobId job = {};
  WorkerId worker = {};
  Digest blob = {};
};

// not_found: it is gone; corrupt: other bytes; any other: it could not be read.
using CheckBlob = std::function<Result<void>(const Digest&)>;

std::vector<Finding> find_broken(const store::ProofSheet& proof, const CheckBlob& check_blob);
std::vector<Finding> compare_counts(const core::Batch& batch, const store::BatchCounts& rows);

}  // namespace pirouette::http
