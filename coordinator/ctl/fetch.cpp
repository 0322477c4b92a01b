// `pirouette fetch`: a batch's pictures and manifest into a folder. Each file is checked against
// its hash and appears whole or not at all; what is there already is not fetched again, so a
// fetch that broke off goes on where it was.

#include <nlohmann/json.hpp>

#include "common/blobs.h"
#include "common/files.h"
#include "common/job/names.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;

struct Counts {
  std::uint64_t fetched = 0, there = 0, bytes = 0;
};

// "sheets/knight_v001.png" and the like; a server must not be able to write anywhere else.
Result<fs::path> safe_path(const std::string& text) {
  const fs::path path(text);
  bool safe = !text.empty() && path.is_relative() && text.find('\\') == std::string::npos;
  for (const fs::path& part : path) safe = safe && safe_name(part.string()) == part.string();
  if (!safe) {
    return Error{Errc::corrupt, "the server names a file \"" + printable(text) +
                                    "\", which would not stay in its folder; nothing was written"};
  }
  return path;
}

bool has_already(const fs::path& file, const Digest& digest) {
  const auto bytes = read_file(file, kBlobMaxBytes);
  return bytes.ok() && sha256(bytes.value()) == digest;
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (!failed) return {};
  return Error{Errc::io, "cannot make the folder " + folder.string() + ": " + failed.message()};
}

Result<void> fetch_file(Client& client, const Json& file, const fs::path& folder, Counts& counts) {
  const fs::path path = TRY(safe_path(text_of(file, "path")));
  const Digest digest = TRY(parse_digest(text_of(file, "digest")));
  const fs::path target = folder / path;
  if (has_already(target, digest)) {
    ++counts.there;
    return {};
  }
  const auto bytes = TRY(client.get_blob(digest));
  TRY(make_folder(target.parent_path()));
  TRY(write_file_durably(target, bytes));
  ++counts.fetched;
  counts.bytes += bytes.size();
  return {};
}

void say_done(const Json& delivery, const Counts& counts, const fs::path& folder,
              Console& console) {
  const bool complete = delivery.value("complete", false);
  if (console.json) {
    console.out << Json{{"batch", delivery["batch"]},    {"folder", folder.string()},
                        {"complete", complete},          {"fetched", counts.fetched},
                        {"there_already", counts.there}, {"bytes", counts.bytes}}
                       .dump()
                << "\n";
    return;
  }
  console.out << count_of(counts.fetched, "file") << " (" << format_bytes(counts.bytes)
              << ") fetched into " << folder.string() << ", " << counts.there
              << " were there already\n";
  if (!complete) {
    console.err << "pirouette: the batch is not complete: some pictures are not there or not yet; "
                   "manifest.json names the gaps, and fetching again takes what is new\n";
  }
}

}  // namespace

Result<Exit> fetch(Client& client, std::uint64_t batch, fs::path folder, Console& console) {
  const Json delivery = TRY(client.get("/batches/" + std::to_string(batch) + "/delivery"));
  if (!delivery.is_object() || !delivery.contains("files") || !delivery["files"].is_array()) {
    return Error{Errc::corrupt, "the server's delivery names no files"};
  }
  if (folder.empty()) {
    folder = safe_name(text_of(delivery, "name") + "_" + std::to_string(batch));
  }
  TRY(make_folder(folder));
  Counts counts;
  const std::uint64_t all = delivery["files"].size();
  for (const Json& file : delivery["files"]) {
    auto fetched = fetch_file(client, file, folder, counts);
    if (!fetched.ok()) return std::move(fetched).error().with(text_of(file, "path"));
    if (console.terminal && !console.json) {
      const std::uint64_t done = counts.fetched + counts.there;
      console.out << "\r" << progress_bar(done, all, 20) << " " << done << " of "
                  << count_of(all, "file") << std::flush;
    }
  }
  if (console.terminal && !console.json && all > 0) console.out << "\n";
  TRY(write_file_durably(folder / "manifest.json",
                         delivery.value("manifest", Json::object()).dump(2) + "\n"));
  say_done(delivery, counts, folder, console);
  return delivery.value("complete", false) ? Exit::ok : Exit::incomplete;
}

}  // namespace pirouette::ctl
