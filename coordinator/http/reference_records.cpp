// See reference_records.h. A file holds what the API answers, and under which number it was made.

#include "coordinator/http/reference_records.h"

#include <nlohmann/json.hpp>

#include "common/files.h"
#include "coordinator/http/json.h"

namespace pirouette::http {
namespace {

constexpr std::size_t kRecordMaxBytes = 64u << 10;  // a few sentences

Json as_json(const ReferenceRecord& record) {
  Json crop;
  if (record.crop) {
    crop = {{"x", record.crop->x},
            {"y", record.crop->y},
            {"w", record.crop->width},
            {"h", record.crop->height}};
  }
  return {{"digest", to_hex(record.digest)}, {"original", to_hex(record.original)},
          {"width", record.width},           {"height", record.height},
          {"crop", std::move(crop)},         {"warnings", record.warnings}};
}

// Throws what nlohmann throws: a record is our own file, but disks rot.
ReferenceRecord record_of(const Digest& original, const Json& json) {
  ReferenceRecord record;
  record.original = original;
  const auto digest = parse_digest(json.at("digest").get<std::string>());
  if (digest.ok()) record.digest = digest.value();
  record.width = json.at("width").get<int>();
  record.height = json.at("height").get<int>();
  if (const Json& crop = json.at("crop"); !crop.is_null()) {
    record.crop = Reference::Crop{crop.at("x").get<int>(), crop.at("y").get<int>(),
                                  crop.at("w").get<int>(), crop.at("h").get<int>()};
  }
  record.warnings = json.at("warnings").get<std::vector<std::string>>();
  return record;
}

}  // namespace

std::filesystem::path ReferenceRecords::path(const Digest& original) const {
  const std::string name = to_hex(original);
  return folder_ / name.substr(0, 2) / (name + ".json");
}

std::optional<ReferenceRecord> ReferenceRecords::find(const Digest& original) const {
  const auto bytes = read_file(path(original), kRecordMaxBytes);
  if (!bytes.ok()) return std::nullopt;
  const Json json = Json::parse(bytes.value(), nullptr, false);
  if (!json.is_object()) return std::nullopt;
  try {
    if (json.at("making").get<int>() != making_) return std::nullopt;
    const ReferenceRecord record = record_of(original, json);
    return record.digest ? std::optional(record) : std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

Result<void> ReferenceRecords::keep(const ReferenceRecord& record) const {
  const std::filesystem::path file = path(record.original);
  std::error_code failed;
  std::filesystem::create_directories(file.parent_path(), failed);
  if (failed) {
    return Error{Errc::io,
                 "cannot make the folder " + file.parent_path().string() + ": " + failed.message()};
  }
  Json json = as_json(record);
  json["making"] = making_;
  TRY(write_file_durably(file, dump(json)));
  return sync_folder(folder_);  // a new folder's name
}

std::string to_json(const ReferenceRecord& record) { return dump(as_json(record)); }

}  // namespace pirouette::http
