#include "worker/flux/storage/tensor_file.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "common/files.h"
#include "worker/flux/storage/gguf.h"
#include "worker/flux/storage/json_text.h"
#include "worker/flux/storage/safetensors.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The index of a model with a hundred thousand tensors is far smaller.
constexpr std::size_t kIndexMaxBytes = 64u << 20;

// A zip archive or a bare pickle: how torch.save writes.
bool is_pickle(std::span<const std::uint8_t> file) {
  constexpr std::array<std::uint8_t, 4> kZip = {'P', 'K', 3, 4};
  return file.size() >= kZip.size() && (std::ranges::equal(file.first(kZip.size()), kZip) ||
                                        (file[0] == 0x80 && file[1] >= 2 && file[1] <= 5));
}

Result<TensorFile> open_file(const fs::path& path) {
  const auto mapping = TRY(Mapping::open(path));
  TensorFile file{path, {}, {}};
  const auto place = [&](const std::vector<TensorEntry>& entries) {
    for (const TensorEntry& entry : entries)
      file.tensors.emplace(
          entry.name, StoredTensor{entry.dtype, entry.shape, mapping, entry.begin, entry.end, {}});
  };
  if (is_gguf(mapping->bytes())) {
    auto header = parse_gguf(mapping->bytes());
    if (!header.ok()) return std::move(header).error().with(path);
    place(header.value().entries);
    file.metadata = std::move(header).value().metadata;
    return file;
  }
  if (is_pickle(mapping->bytes()))
    return Error{Errc::invalid, path.string() +
                                    " is a PyTorch pickle, which can run code when it is read; use "
                                    "the .safetensors file of this model"};
  auto header = parse_safetensors(mapping->bytes());
  if (!header.ok()) return std::move(header).error().with(path);
  place(header.value().entries);
  file.metadata = std::move(header).value().metadata;
  return file;
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name != ".." && name.find('/') == std::string::npos;
}

Result<TensorFile> open_shards(const fs::path& index) {
  auto parsed = parse_shard_index(TRY(read_file(index, kIndexMaxBytes)));
  if (!parsed.ok()) return std::move(parsed).error().with(index);
  const auto& files = parsed.value();
  std::set<std::string> shards;
  for (const auto& [tensor, file] : files) shards.insert(file);
  TensorFile all{index.parent_path(), {}, {}};
  for (const std::string& shard : shards) {
    TensorFile part = TRY(open_file(index.parent_path() / shard));
    for (auto& [name, tensor] : part.tensors) {
      const auto mapped = files.find(name);
      if (mapped == files.end() || mapped->second != shard)
        return Error{Errc::corrupt, index.string() + ": tensor \"" + name + "\" is in " + shard +
                                        ", but the index does not say so; get the model again"};
      all.tensors.emplace(name, std::move(tensor));
    }
    all.metadata.merge(part.metadata);
  }
  for (const auto& [name, file] : files)
    if (!all.tensors.contains(name))
      return Error{Errc::corrupt, index.string() + ": tensor \"" + name + "\" is not in " + file +
                                      "; get the model again"};
  return all;
}

Result<fs::path> find_single(const fs::path& folder, const std::vector<fs::path>& found) {
  if (found.size() == 1) return found.front();
  if (found.empty()) return Error{Errc::not_found, folder.string() + " has no .safetensors file"};
  return Error{Errc::invalid, folder.string() + " has several models (" +
                                  found[0].filename().string() + ", " +
                                  found[1].filename().string() + "): keep one of them"};
}

Result<TensorFile> open_folder(const fs::path& folder) {
  std::vector<fs::path> indexes, files;
  std::error_code failed;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
    const std::string name = it->path().filename().string();
    if (name.ends_with(".safetensors.index.json")) indexes.push_back(it->path());
    if (name.ends_with(".safetensors")) files.push_back(it->path());
  }
  if (failed) return Error{Errc::io, folder.string() + ": " + failed.message()};
  if (!indexes.empty()) return open_shards(TRY(find_single(folder, indexes)));
  return open_file(TRY(find_single(folder, files)));
}

}  // namespace

Result<std::map<std::string, std::string>> parse_shard_index(std::span<const std::uint8_t> text) {
  const json index = TRY(parse_json_object(text));
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object())
    return Error{Errc::corrupt, "not an index: it has no weight_map"};
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string() || !is_plain_name(file.get<std::string>()))
      return Error{Errc::corrupt,
                   "tensor " + shown_name(tensor) + " is not mapped to a file of the same folder"};
    files.emplace(tensor, file.get<std::string>());
  }
  return files;
}

Result<TensorFile> open_tensor_file(const fs::path& path) {
  std::error_code failed;
  return fs::is_directory(path, failed) ? open_folder(path) : open_file(path);
}

}  // namespace pirouette::flux
