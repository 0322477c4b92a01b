#include "coordinator/delivery/delivery.h"

#include <set>

#include "common/job/names.h"
#include "common/result.h"
#include "coordinator/delivery/manifest.h"

namespace pirouette::delivery {
namespace {

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The stem of each sheet's files. Where two characters come to the same one, the later gets its
// sheet's number behind it.
std::vector<SheetPaths> paths_of(const std::vector<Sheet>& sheets) {
  std::vector<SheetPaths> paths;
  std::set<std::string> taken;
  for (const Sheet& row : sheets) {
    std::string stem = safe_name(row.sheet.character);
    while (!taken.insert(lower_case(stem)).second) {
      stem += "_" + std::to_string(row.sheet.index + 1);
    }
    paths.push_back({std::move(stem)});
  }
  return paths;
}

}  // namespace

std::string_view name(FileKind kind) {
  switch (kind) {
    case FileKind::sheet:
      return "sheet";
    case FileKind::view:
      return "view";
    case FileKind::thumbnail:
      return "thumbnail";
  }
  return "";
}

std::string version_tag(std::uint32_t number) {
  const std::string digits = std::to_string(number);
  return "v" + std::string(digits.size() < 3 ? 3 - digits.size() : 0, '0') + digits;
}

Delivery make_delivery(const core::Batch& batch, const std::vector<Sheet>& sheets,
                       const BytesOf& bytes_of) {
  PIROUETTE_CHECK(batch.recipe != nullptr);
  const Recipe& recipe = *batch.recipe;
  Delivery delivery{batch.id, batch.name, batch.state == core::BatchState::finished, {}, {}};
  const auto add = [&](std::string path, const Digest& digest, FileKind kind) {
    if (digest) delivery.files.push_back({std::move(path), digest, bytes_of(digest), kind});
  };
  Json manifest = manifest_json(batch);
  const std::vector<SheetPaths> paths = paths_of(sheets);
  for (std::size_t i = 0; i < sheets.size(); ++i) {
    const core::Sheet& sheet = sheets[i].sheet;
    add(paths[i].sheet(sheet), sheet.picture, FileKind::sheet);
    add(paths[i].thumbnail(sheet), sheet.thumbnail, FileKind::thumbnail);
    delivery.complete = delivery.complete && sheet.picture;
    for (const Pose& pose : sheets[i].poses) {
      delivery.complete = delivery.complete && pose.chosen;
      if (!pose.chosen) continue;
      add(paths[i].view(recipe.views[pose.pose.view], pose.chosen->take), pose.chosen->result,
          FileKind::view);
    }
    manifest["sheets"].push_back(sheet_json(sheets[i], paths[i], recipe, bytes_of));
  }
  delivery.manifest = dump(manifest);
  return delivery;
}

std::string to_json(const Delivery& delivery) {
  Json files = Json::array();
  for (const File& file : delivery.files) {
    files.push_back({{"path", file.path},
                     {"digest", to_hex(file.digest)},
                     {"bytes", file.bytes},
                     {"kind", name(file.kind)}});
  }
  return dump({{"batch", delivery.batch.value},
               {"name", delivery.name},
               {"complete", delivery.complete},
               {"files", std::move(files)},
               {"manifest", Json::parse(delivery.manifest)}});
}

}  // namespace pirouette::delivery
