#include "worker/engine/picture/weight_hashes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/log.h"
#include "common/open_file.h"

namespace pirouette::engine {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr std::size_t kChunkBytes = 1 << 20;
constexpr std::size_t kMemoryMaxBytes = 8 << 20;  // a line a file, some hundred bytes each

// The parts of a model that hold weights, as diffusers names their folders.
constexpr const char* kParts[] = {"text_encoder", "text_encoder_2", "transformer", "vae"};

// A safetensors file begins with its header's length, 8 bytes, the lowest first.
constexpr std::size_t kLengthBytes = 8;

// Where the tensors begin; 0 for a file that is too short to tell.
std::uint64_t tensors_offset(std::span<const std::uint8_t> head) {
  if (head.size() < kLengthBytes) return 0;
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) length = length << 8 | head[i];
  return length > UINT64_MAX - kLengthBytes ? UINT64_MAX : length + kLengthBytes;
}

std::vector<fs::path> weights_in(const fs::path& folder) {
  std::vector<fs::path> files;
  const auto add = [&](const fs::path& part) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder / part, ignored)) {
      if (entry.path().extension() == ".safetensors" && entry.is_regular_file(ignored)) {
        files.push_back(part / entry.path().filename());
      }
    }
  };
  for (const char* part : kParts) add(part);
  if (files.empty()) add("");  // one part alone, in shards
  std::ranges::sort(files, {}, [](const fs::path& file) { return file.string(); });
  return files;
}

}  // namespace

WeightHashes::WeightHashes(fs::path memory) : memory_(std::move(memory)) {
  if (!memory_.empty()) load();
}

void WeightHashes::load() {
  const auto bytes = read_file(memory_, kMemoryMaxBytes);
  if (!bytes.ok()) return;
  const json all = json::parse(bytes.value(), nullptr, false);
  if (!all.is_object()) return;
  try {
    for (const auto& [file, entry] : all.items()) {
      known_[file] = {
          {entry.at("device"), entry.at("inode"), entry.at("bytes"), entry.at("changed_ns")},
          {entry.at("sha256"), entry.at("tensors_sha256")}};
    }
  } catch (const json::exception&) {
    known_.clear();  // not written by us: everything is hashed again
  }
}

void WeightHashes::remember(const std::string& file, const Known& known) {
  const std::lock_guard lock(mutex_);
  known_[file] = known;
  if (memory_.empty()) return;
  std::error_code ignored;  // a folder that cannot be made is told by the write
  fs::create_directories(memory_.parent_path(), ignored);
  std::erase_if(known_, [&](const auto& entry) { return !fs::exists(entry.first, ignored); });
  json all = json::object();
  for (const auto& [path, entry] : known_) {
    all[path] = {{"device", entry.stamp.device}, {"inode", entry.stamp.inode},
                 {"bytes", entry.stamp.bytes},   {"changed_ns", entry.stamp.changed_ns},
                 {"sha256", entry.hash.sha256},  {"tensors_sha256", entry.hash.tensors_sha256}};
  }
  const auto text = all.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
  const Result<void> written = write_file_durably(memory_, text);
  if (!written.ok()) {
    log::warn("engine",
              "the hashes of weights are not remembered, and made again at the next "
              "start: " +
                  written.error().what);
  }
}

Result<LoraHash> WeightHashes::read(const fs::path& file, int fd, bool with_tensors) const {
  std::vector<std::uint8_t> chunk(kChunkBytes);
  Sha256 whole, tensors;
  std::uint64_t from = 0, read = 0;
  for (;;) {
    if (stopping_) return Error{Errc::cancelled, "hashing " + file.string() + " was stopped"};
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("cannot read", file);
    if (n == 0) break;
    const std::span<const std::uint8_t> bytes(chunk.data(), static_cast<std::size_t>(n));
    if (read == 0) from = tensors_offset(bytes);
    whole.update(bytes);
    if (with_tensors && from > 0 && read + bytes.size() > from) {
      tensors.update(bytes.subspan(read < from ? from - read : 0));
    }
    read += bytes.size();
  }
  LoraHash hash{to_hex(whole.finish()), {}};
  if (with_tensors && from > 0 && from <= read) hash.tensors_sha256 = to_hex(tensors.finish());
  return hash;
}

Result<LoraHash> WeightHashes::hash_of(const fs::path& file, bool with_tensors) {
  const FileStamp before = TRY(stamp_file(file));
  const std::string name = fs::absolute(file).lexically_normal().string();
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(name);
    if (found != known_.end() && found->second.stamp == before &&
        (!with_tensors || !found->second.hash.tensors_sha256.empty())) {
      return found->second.hash;
    }
  }
  log::info("engine", "hashing " + file.string());
  const OpenFile opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (opened.fd < 0) return io_error("cannot open", file);
  LoraHash hash = TRY(read(file, opened.fd, with_tensors));
  if (TRY(stamp_file(file)) != before) {
    return Error{Errc::io, file.string() + " changed while it was read"};
  }
  remember(name, {before, hash});
  return hash;
}

Result<LoraHash> WeightHashes::lora(const fs::path& path) {
  std::error_code ignored;
  return hash_of(fs::is_directory(path, ignored) ? path / "adapter_model.safetensors" : path, true);
}

Result<std::string> WeightHashes::model(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return TRY(hash_of(path, false)).sha256;
  const std::vector<fs::path> files = weights_in(path);
  if (files.empty()) {
    return Error{Errc::not_found,
                 path.string() + " has no weights (.safetensors), nor have its parts"};
  }
  std::string lines;
  for (const fs::path& file : files) {
    lines += TRY(hash_of(path / file, false)).sha256 + "  " + file.string() + "\n";
  }
  return to_hex(sha256(lines));
}

Result<Digest> WeightHashes::files(std::span<const fs::path> files) {
  std::string lines;
  for (const fs::path& file : files)
    lines += file.filename().string() + ' ' + TRY(hash_of(file, false)).sha256 + '\n';
  return sha256(lines);
}

}  // namespace pirouette::engine
