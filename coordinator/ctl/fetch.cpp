// `pirouette fetch`: a batch's pictures and manifest into a folder, several at a time. What is
// there already is not fetched again, so a fetch that broke off, or one of a batch that went on
// since, takes what is missing. Nothing is ever removed; manifest.json is written last.

#include <algorithm>
#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "common/files.h"
#include "common/job/names.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/download.h"
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

// All of the delivery's files of the wanted kinds ("sheets"); every kind if none is named.
Result<std::vector<DeliveryFile>> read_files(const Json& delivery,
                                             const std::vector<std::string>& kinds) {
  if (!delivery.is_object() || !delivery.contains("files") || !delivery["files"].is_array()) {
    return Error{Errc::corrupt, "the server's delivery names no files"};
  }
  std::vector<DeliveryFile> files;
  std::set<std::string> taken;
  for (const Json& file : delivery["files"]) {
    const std::string path = text_of(file, "path"), kind = text_of(file, "kind");
    if (!kinds.empty() && std::ranges::find(kinds, kind + "s") == kinds.end()) continue;
    if (!taken.insert(lower_case(path)).second) {
      return Error{Errc::corrupt, "the server names the file \"" + printable(path) +
                                      "\" twice; nothing was written"};
    }
    files.push_back({TRY(safe_path(path)), TRY(parse_digest(text_of(file, "digest"))),
                     number_of(file, "bytes"), kind});
  }
  return files;
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (!failed) return {};
  return Error{Errc::io, "cannot make the folder " + folder.string() + ": " + failed.message()};
}

// Several threads, each with a connection of its own, take one file after the other. What is wrong
// with one file leaves the others alone; a server that is gone and a broken disk end it.
class Fetching {
 public:
  Fetching(const std::vector<DeliveryFile>& files, fs::path folder, Verified& verified,
           Console& console)
      : files_(files), folder_(std::move(folder)), verified_(verified), console_(console) {}

  Result<Counts> run(const Client& client, std::size_t jobs) {
    std::vector<Client> clients;
    for (std::size_t i = 0; i < std::clamp(files_.size(), std::size_t{1}, jobs); ++i) {
      clients.push_back(TRY(client.another()));
    }
    std::vector<std::thread> threads;
    for (Client& one : clients) threads.emplace_back([this, &one] { work(one); });
    for (std::thread& thread : threads) thread.join();
    if (draws() && !files_.empty()) console_.out << "\n";
    if (failed_ == 0) return counts_;
    if (failed_ > 1) error_.what += "; and " + std::to_string(failed_ - 1) + " more failed";
    return error_;
  }

 private:
  void work(Client& client) {
    for (;;) {
      const std::size_t i = next_++;
      if (i >= files_.size() || stop_) return;
      const auto fetched = fetch_file(client, files_[i], folder_, verified_);
      const std::lock_guard lock(mutex_);
      if (fetched.ok()) {
        count(files_[i], fetched.value());
      } else {
        fail(files_[i], fetched.error());
      }
    }
  }

  void count(const DeliveryFile& file, Fetched fetched) {
    if (fetched == Fetched::now) {
      ++counts_.fetched;
      counts_.bytes += file.bytes;
    } else {
      ++counts_.there;
    }
    if (!draws()) return;
    const std::uint64_t done = counts_.fetched + counts_.there;
    console_.out << "\r" << progress_bar(done, files_.size(), 20) << " " << done << " of "
                 << count_of(files_.size(), "file") << std::flush;
  }

  void fail(const DeliveryFile& file, const Error& error) {
    if (error.code == Errc::timeout || error.code == Errc::io) stop_ = true;
    if (failed_++ == 0) error_ = Error(error).with(file.path.string());
  }

  bool draws() const { return console_.terminal && !console_.json; }

  const std::vector<DeliveryFile>& files_;
  const fs::path folder_;
  Verified& verified_;
  Console& console_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  Counts counts_;  // under mutex_, as the rest
  std::uint64_t failed_ = 0;
  Error error_{Errc::io, ""};
};

// Names become durable with their folders.
Result<void> sync_folders(const std::set<fs::path>& folders) {
  for (const fs::path& folder : folders) TRY(sync_folder(folder));
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

Result<Exit> fetch(Client& client, const FetchOptions& options, Console& console) {
  const std::string number = std::to_string(options.batch);
  const Json delivery = TRY(client.get("/batches/" + number + "/delivery"));
  const std::vector<DeliveryFile> files = TRY(read_files(delivery, options.kinds));
  fs::path folder = options.folder;
  if (folder.empty()) folder = safe_name(text_of(delivery, "name") + "_" + number);
  TRY(make_folder(folder / kStateFolder));
  std::set<fs::path> folders;
  for (const DeliveryFile& file : files) folders.insert((folder / file.path).parent_path());
  for (const fs::path& one : folders) TRY(make_folder(one));

  Verified verified(folder / kStateFolder / "verified.json");
  const Result<Counts> counts =
      Fetching(files, folder, verified, console).run(client, options.jobs);
  const Result<void> saved = verified.save();
  if (!counts.ok()) return counts.error();
  if (!saved.ok()) return saved.error();
  TRY(sync_folders(folders));
  TRY(write_file_durably(folder / "manifest.json",
                         delivery.value("manifest", Json::object()).dump(2) + "\n"));
  say_done(delivery, counts.value(), folder, console);
  return delivery.value("complete", false) ? Exit::ok : Exit::incomplete;
}

}  // namespace pirouette::ctl
