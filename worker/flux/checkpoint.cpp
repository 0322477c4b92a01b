#include "worker/flux/checkpoint.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>

#include "common/files.h"
#include "worker/flux/safetensors.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The index of a model with a hundred thousand tensors is far smaller.
constexpr std::size_t kIndexMaxBytes = 64u << 20;
constexpr std::size_t kNamesShown = 5;

// A whole file in memory, private: nothing written through it reaches the disk.
class Mapping {
 public:
  static Result<std::shared_ptr<const Mapping>> open(const fs::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
      return Error{errno == ENOENT ? Errc::not_found : Errc::io, std::strerror(errno)}.with(path);
    struct stat status {};
    const bool stated = ::fstat(fd, &status) == 0;
    const auto size = static_cast<std::size_t>(stated ? status.st_size : 0);
    void* bytes =
        size > 0 ? ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    const int why = errno;
    ::close(fd);
    if (stated && size == 0) return Error{Errc::corrupt, path.string() + ": the file is empty"};
    if (bytes == MAP_FAILED)
      return Error{Errc::io, std::string("cannot map it: ") + std::strerror(why)}.with(path);
    return std::shared_ptr<const Mapping>(new Mapping(static_cast<std::uint8_t*>(bytes), size));
  }
  ~Mapping() { ::munmap(bytes_, size_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::span<const std::uint8_t> bytes() const { return {bytes_, size_}; }
  std::uint8_t* at(std::uint64_t offset) const { return bytes_ + offset; }

 private:
  Mapping(std::uint8_t* bytes, std::size_t size) : bytes_(bytes), size_(size) {}
  std::uint8_t* bytes_;
  std::size_t size_;
};

std::optional<at::ScalarType> scalar_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
      return at::kDouble;
    case Dtype::f32:
      return at::kFloat;
    case Dtype::f16:
      return at::kHalf;
    case Dtype::bf16:
      return at::kBFloat16;
    case Dtype::i64:
      return at::kLong;
    case Dtype::i32:
      return at::kInt;
    case Dtype::i16:
      return at::kShort;
    case Dtype::i8:
      return at::kChar;
    case Dtype::u8:
      return at::kByte;
    case Dtype::boolean:
      return at::kBool;
    case Dtype::f8_e4m3:
    case Dtype::f8_e5m2:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Dtype> stored_dtype(at::ScalarType type) {
  switch (type) {
    case at::kDouble:
      return Dtype::f64;
    case at::kFloat:
      return Dtype::f32;
    case at::kHalf:
      return Dtype::f16;
    case at::kBFloat16:
      return Dtype::bf16;
    case at::kLong:
      return Dtype::i64;
    case at::kInt:
      return Dtype::i32;
    case at::kShort:
      return Dtype::i16;
    case at::kChar:
      return Dtype::i8;
    case at::kByte:
      return Dtype::u8;
    case at::kBool:
      return Dtype::boolean;
    default:
      return std::nullopt;
  }
}

Result<Tensor> view(const std::shared_ptr<const Mapping>& mapping, const TensorEntry& entry) {
  const auto type = scalar_type(entry.dtype);
  if (!type)
    return Error{Errc::invalid, "tensor \"" + entry.name + "\" is stored as " +
                                    std::string(dtype_name(entry.dtype)) +
                                    ", which is not supported; use the bf16 file of this model"};
  std::uint8_t* bytes = mapping->at(entry.begin);
  if (entry.begin == entry.end) return at::empty(entry.shape, *type);
  if (reinterpret_cast<std::uintptr_t>(bytes) % dtype_bytes(entry.dtype) == 0)
    return at::from_blob(
        bytes, entry.shape, [mapping](void*) {}, *type);
  // Some writers do not pad the header; such tensors are copied into place.
  Tensor copy = at::empty(entry.shape, *type);
  std::memcpy(copy.data_ptr(), bytes, entry.end - entry.begin);
  return copy;
}

Result<Checkpoint> load_file(const fs::path& path) {
  const auto mapping = TRY(Mapping::open(path));
  auto header = parse_safetensors(mapping->bytes());
  if (!header.ok()) return std::move(header).error().with(path);
  Checkpoint checkpoint{{}, header.value().metadata};
  for (const TensorEntry& entry : header.value().entries) {
    auto tensor = view(mapping, entry);
    if (!tensor.ok()) return std::move(tensor).error().with(path);
    checkpoint.tensors.emplace(entry.name, std::move(tensor).value());
  }
  return checkpoint;
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name != ".." && name.find('/') == std::string::npos;
}

// {"weight_map": {tensor: file}} as tensor -> file name, each name a plain one of the same folder.
Result<std::map<std::string, std::string>> parse_index(const fs::path& path) {
  const auto bytes = TRY(read_file(path, kIndexMaxBytes));
  const json index = json::parse(bytes.begin(), bytes.end(), nullptr, /*allow_exceptions=*/false);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    return Error{Errc::corrupt, path.string() + ": not an index: it has no weight_map"};
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : index["weight_map"].items()) {
    if (!file.is_string() || !is_plain_name(file.get<std::string>()))
      return Error{Errc::corrupt, path.string() + ": tensor \"" + tensor +
                                      "\" is not mapped to a file of the same folder"};
    files.emplace(tensor, file.get<std::string>());
  }
  return files;
}

Result<Checkpoint> load_shards(const fs::path& index) {
  const auto files = TRY(parse_index(index));
  std::set<std::string> shards;
  for (const auto& [tensor, file] : files) shards.insert(file);
  Checkpoint all;
  for (const std::string& shard : shards) {
    Checkpoint part = TRY(load_file(index.parent_path() / shard));
    for (auto& [name, tensor] : part.tensors) {
      const auto mapped = files.find(name);
      if (mapped == files.end() || mapped->second != shard)
        return Error{Errc::corrupt, index.string() + ": tensor \"" + name + "\" is in " + shard +
                                        ", but the index does not say so; get the model again"};
      all.tensors.emplace(name, tensor);
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

Result<Checkpoint> load_folder(const fs::path& folder) {
  std::vector<fs::path> indexes, files;
  std::error_code failed;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
    const std::string name = it->path().filename().string();
    if (name.ends_with(".safetensors.index.json")) indexes.push_back(it->path());
    if (name.ends_with(".safetensors")) files.push_back(it->path());
  }
  if (failed) return Error{Errc::io, folder.string() + ": " + failed.message()};
  if (!indexes.empty()) return load_shards(TRY(find_single(folder, indexes)));
  return load_file(TRY(find_single(folder, files)));
}

std::string shape_text(at::IntArrayRef shape) {
  std::ostringstream text;
  text << '[';
  for (std::size_t i = 0; i < shape.size(); ++i)
    text << (i > 0 ? ", " : "") << (shape[i] < 0 ? "any" : std::to_string(shape[i]));
  text << ']';
  return text.str();
}

bool matches(at::IntArrayRef shape, at::IntArrayRef wanted) {
  if (shape.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (wanted[i] >= 0 && shape[i] != wanted[i]) return false;
  return true;
}

}  // namespace

Result<Tensor> Weights::take(const std::string& name, at::IntArrayRef shape) {
  const auto found = tensors_.find(name);
  if (found == tensors_.end())
    return Error{Errc::not_found, source_ + ": tensor \"" + name + "\" is missing"};
  if (!matches(found->second.sizes(), shape))
    return Error{Errc::invalid, source_ + ": tensor \"" + name + "\" has the shape " +
                                    shape_text(found->second.sizes()) + " instead of " +
                                    shape_text(shape)};
  Tensor tensor = std::move(found->second);
  tensors_.erase(found);
  return tensor;
}

Result<Linear> Weights::take_linear(const std::string& name, int64_t out, int64_t in) {
  Linear linear;
  linear.weight = TRY(take(name + ".weight", {out, in}));
  linear.bias = TRY(take(name + ".bias", {linear.weight.size(0)}));
  return linear;
}

Result<Conv2d> Weights::take_conv(const std::string& name, int64_t out, int64_t in,
                                  int64_t kernel) {
  Conv2d conv;
  conv.weight = TRY(take(name + ".weight", {out, in, kernel, kernel}));
  conv.bias = TRY(take(name + ".bias", {conv.weight.size(0)}));
  return conv;
}

Result<GroupNorm> Weights::take_group_norm(const std::string& name, int64_t channels) {
  GroupNorm norm;
  norm.weight = TRY(take(name + ".weight", {channels}));
  norm.bias = TRY(take(name + ".bias", {norm.weight.size(0)}));
  return norm;
}

Result<void> Weights::finish() const {
  if (tensors_.empty()) return {};
  std::string names;
  std::size_t shown = 0;
  for (const auto& [name, tensor] : tensors_) {
    if (shown++ == kNamesShown) break;
    names += (names.empty() ? "\"" : ", \"") + name + '"';
  }
  return Error{Errc::invalid, source_ + ": " + std::to_string(tensors_.size()) +
                                  " tensors have no place in this model: " + names +
                                  (tensors_.size() > kNamesShown ? ", …" : "")};
}

Weights Weights::to(at::ScalarType dtype, at::Device device) && {
  for (auto& [name, tensor] : tensors_)
    tensor = tensor.is_floating_point() ? tensor.to(device, dtype) : tensor.to(device);
  return std::move(*this);
}

Weights Weights::to(at::Device device) && {
  for (auto& [name, tensor] : tensors_) tensor = tensor.to(device);
  return std::move(*this);
}

Result<Checkpoint> load_checkpoint(const fs::path& path) {
  std::error_code failed;
  return fs::is_directory(path, failed) ? load_folder(path) : load_file(path);
}

Result<Weights> load_weights(const fs::path& path) {
  return Weights(TRY(load_checkpoint(path)).tensors, path.string());
}

Result<void> save_safetensors(const fs::path& path, const Tensors& tensors,
                              const std::map<std::string, std::string>& metadata) {
  std::vector<Tensor> held;
  std::vector<NamedBytes> named;
  for (const auto& [name, tensor] : tensors) {
    const auto dtype = stored_dtype(tensor.scalar_type());
    PIROUETTE_CHECK(dtype);
    const Tensor& dense = held.emplace_back(tensor.cpu().contiguous());
    named.push_back({name,
                     *dtype,
                     dense.sizes().vec(),
                     {static_cast<const std::uint8_t*>(dense.data_ptr()), dense.nbytes()}});
  }
  return write_file_durably(path, format_safetensors(named, metadata));
}

}  // namespace pirouette::flux
