#pragma once
// What each picture that was sent became: small files beside the blobs, named by the SHA-256 of
// what was sent. Whoever sends a picture again learns at once that it is here. A record is made of
// the picture alone, so losing one costs sending that picture again, and the database knows nothing
// of them. Safe from several threads.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/hash.h"
#include "common/result.h"
#include "coordinator/http/http.h"

namespace pirouette::http {

struct ReferenceRecord {
  Digest original;  // what was sent
  Digest digest;    // the PNG that workers read; the same where nothing had to change
  int width = 0, height = 0;
  std::optional<Reference::Crop> crop;
  std::vector<std::string> warnings;
};

class ReferenceRecords {
 public:
  // making: Http::Config::reference_making. The folder is made at the first keep().
  ReferenceRecords(std::filesystem::path folder, int making)
      : folder_(std::move(folder)), making_(making) {}

  // None too where it cannot be read or was made another way.
  std::optional<ReferenceRecord> find(const Digest& original) const;
  // Durable once it returns.
  Result<void> keep(const ReferenceRecord& record) const;

 private:
  std::filesystem::path path(const Digest& original) const;

  const std::filesystem::path folder_;
  const int making_;
};

// As API v1 answers it.
std::string to_json(const ReferenceRecord& record);

}  // namespace pirouette::http
