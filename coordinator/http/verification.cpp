// /api/v1/batches/{id}/verification: a page of a batch's proof (proof.h), its pictures hashed
// again. A page ends early once it has hashed kVerifiedMaxBytes, so that none takes long; whoever
// wants the whole follows next.

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "common/hash.h"
#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/proof.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;

// Hashes each blob once, however many sheets share it.
class BlobProof {
 public:
  explicit BlobProof(const Blobs& blobs) : blobs_(blobs) {}

  Result<void> check(const Digest& digest) {
    const auto known = known_.find(digest);
    if (known != known_.end()) return known->second;
    return known_.emplace(digest, hash(digest)).first->second;
  }

  std::size_t blobs() const { return known_.size(); }
  std::uint64_t bytes() const { return bytes_; }

 private:
  Result<void> hash(const Digest& digest) {
    const std::uint64_t size = TRY(blobs_.find_size(digest));
    Sha256 hash;
    for (std::uint64_t offset = 0; offset < size;) {
      const auto piece = TRY(blobs_.read_range(digest, offset, kPieceBytes));
      if (piece.empty()) break;  // somebody shortened it: the hash will tell
      hash.update(piece);
      offset += piece.size();
    }
    bytes_ += size;
    if (hash.finish() != digest) return Error{Errc::corrupt, "its bytes have another hash"};
    return {};
  }

  const Blobs& blobs_;
  std::map<Digest, Result<void>> known_;
  std::uint64_t bytes_ = 0;
};

Json finding_json(const Finding& finding) {
  Json ids = Json::object();
  if (finding.sheet) ids["sheet"] = finding.sheet.value;
  if (finding.pose) ids["pose"] = finding.pose.value;
  if (finding.job) ids["job"] = finding.job.value;
  if (finding.worker) ids["worker"] = finding.worker.value;
  if (finding.blob) ids["blob"] = to_hex(finding.blob);
  return {{"kind", finding.kind}, {"what", finding.what}, {"ids", std::move(ids)}};
}

void add_findings(Json& json, const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) json.push_back(finding_json(finding));
}

// Held while a page's pictures are hashed; null when there are as many as there may be.
std::shared_ptr<void> try_take_place(Site& site) {
  if (!site.verifications.try_acquire()) return nullptr;
  return {&site, [](Site* from) { from->verifications.release(); }};
}

Result<Answer> verify(Site& site, const Request& request) {
  const auto id = TRY(parse_id<BatchId>(request.parameters[0], "batch"));
  const Paging paging = TRY(parse_paging(request));
  const std::shared_ptr<void> place = try_take_place(site);
  if (!place) {
    return Error{Errc::busy, std::to_string(kVerificationsMax) +
                                 " verifications are going on just now; try again in a moment"};
  }
  Json findings = Json::array();
  if (paging.after == 0) {
    const auto counted = TRY(site.read().count_rows(id));
    add_findings(findings, compare_counts(counted.first, counted.second));
  }
  const auto page = TRY(site.read().proof(id, SheetId{paging.after}, paging.limit));
  BlobProof blobs(site.config.blobs);
  const CheckBlob check = [&](const Digest& digest) { return blobs.check(digest); };
  std::size_t sheets = 0, jobs_done = 0;
  for (const store::ProofSheet& sheet : page.sheets) {
    if (blobs.bytes() >= kVerifiedMaxBytes) break;
    add_findings(findings, find_broken(sheet, check));
    ++sheets;
    jobs_done += static_cast<std::size_t>(std::ranges::count(
        sheet.jobs, core::JobState::done, [](const core::Job& job) { return job.state; }));
  }
  const bool more = !page.last || sheets < page.sheets.size();
  return answer_json({{"batch", id.value},
                      {"sheets", sheets},
                      {"jobs_done", jobs_done},
                      {"blobs", blobs.blobs()},
                      {"bytes", blobs.bytes()},
                      {"findings", std::move(findings)},
                      {"next", more ? Json(page.sheets[sheets - 1].sheet.id.value) : Json()}});
}

}  // namespace

void add_verification(Router& router, Site& site) {
  router.add("GET", "/api/v1/batches/{id}/verification",
             with_query({"limit", "after"}, [&](const Request& r) { return verify(site, r); }));
}

}  // namespace pirouette::http
