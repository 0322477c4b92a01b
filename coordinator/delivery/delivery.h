#pragma once
// What a studio takes home from a batch: which files under which names, and a manifest that says
// how each picture was made, so that it can be made again. Pure: rows in, names and JSON out;
// nobody is asked and nothing is written here.
//
// Names are safe on every system, no two are the same, and they stay while a batch goes on: a new
// version of a sheet or another take gets a new name, it never replaces one.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/hash.h"
#include "coordinator/core/state.h"

namespace pirouette::delivery {

struct Take {
  core::Job job;
  std::string worker;  // name of who made it, or tried last; "" for nobody
};

struct Pose {
  core::Pose pose;
  core::Job latest;
  std::optional<core::Job> chosen;  // none: a gap
  std::vector<Take> takes;          // all of them, oldest first
};

struct Sheet {
  core::Sheet sheet;
  std::vector<Pose> poses;  // in the recipe's order
};

enum class FileKind { sheet, view, thumbnail };
std::string_view name(FileKind kind);

struct File {
  std::string path;  // "views/knight_front_v001.png"; slashes on every system
  Digest digest;
  std::uint64_t bytes = 0;
  FileKind kind = FileKind::view;
};

struct Delivery {
  BatchId batch;
  std::string name;
  bool complete = false;  // nothing is open any more and nothing is missing
  std::vector<File> files;
  std::string manifest;  // one JSON object: schema/manifest.schema.json
};

// How large a blob is.
using BytesOf = std::function<std::uint64_t(const Digest&)>;

// sheets: all of the batch, in its order.
Delivery make_delivery(const core::Batch& batch, const std::vector<Sheet>& sheets,
                       const BytesOf& bytes_of);

// As GET /batches/{id}/delivery shows it.
std::string to_json(const Delivery& delivery);

// At least three digits: "v001".
std::string version_tag(std::uint32_t number);

}  // namespace pirouette::delivery
