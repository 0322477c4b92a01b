#include "worker/flux/storage/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

namespace pirouette::flux {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors are mapped as they are stored");

constexpr std::uint64_t kLengthBytes = 8;

Error corrupt(std::string what) { return {Errc::corrupt, std::move(what)}; }

Error broken(std::string_view name, const std::string& what) {
  return corrupt("tensor " + shown_name(name) + " " + what);
}

// A first pass that builds nothing. It finds what is not JSON, and what nlohmann's parser accepts
// but a header never has: a name that stands twice, deep nesting, long arrays.
class Watch : public nlohmann::json_sax<json> {
 public:
  bool null() override { return one_more(); }
  bool boolean(bool) override { return one_more(); }
  bool number_integer(number_integer_t) override { return one_more(); }
  bool number_unsigned(number_unsigned_t) override { return one_more(); }
  bool number_float(number_float_t, const string_t&) override { return one_more(); }
  bool string(string_t&) override { return one_more(); }
  bool binary(binary_t&) override { return one_more(); }
  bool start_object(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override {
    in_array_ = true;
    elements_ = 0;
    return open();
  }
  bool end_array() override {
    in_array_ = false;
    return close();
  }
  bool key(string_t& name) override {
    tensor_ = depth_ == 1 ? name : tensor_;
    if (depth_ != 1 || names_.insert(name).second) return true;
    wrong = broken(name, "stands twice in the header");
    return false;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }

  Error wrong = corrupt("the safetensors header is not valid JSON");

 private:
  bool open() {
    constexpr int kDepthMax = 3;  // the header, a tensor, its shape
    if (++depth_ <= kDepthMax) return true;
    wrong = broken(tensor_, "is described by something nested too deep");
    return false;
  }
  bool close() {
    --depth_;
    return true;
  }
  bool one_more() {
    if (!in_array_ || ++elements_ <= kTensorMaxDimensions) return true;
    wrong =
        broken(tensor_, "has more than " + std::to_string(kTensorMaxDimensions) + " dimensions");
    return false;
  }

  int depth_ = 0;
  bool in_array_ = false;
  std::size_t elements_ = 0;
  std::string tensor_;
  std::set<std::string> names_;
};

Result<json> parse_header_json(std::span<const std::uint8_t> text) {
  Watch watch;
  if (!json::sax_parse(text.begin(), text.end(), &watch)) return watch.wrong;
  json header = json::parse(text.begin(), text.end());
  if (!header.is_object()) return corrupt("the safetensors header is not a JSON object");
  return header;
}

Result<std::map<std::string, std::string>> parse_metadata(const json& written) {
  if (!written.is_object()) return corrupt("the header's __metadata__ is not an object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : written.items()) {
    if (!value.is_string()) return corrupt("the header's __metadata__ has a value that is no text");
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

Result<Dtype> parse_dtype(const std::string& name, const json& entry) {
  const auto written = entry.find("dtype");
  if (written == entry.end() || !written->is_string()) return broken(name, "has no dtype");
  const auto& text = written->get_ref<const std::string&>();
  const auto dtype = find_dtype(text);
  if (!dtype) return broken(name, "has the unknown dtype " + shown_name(text));
  return *dtype;
}

// Checks every size, and that their product times the dtype's bytes can be counted at all.
Result<std::uint64_t> parse_shape(TensorEntry& tensor, const json& entry) {
  const auto written = entry.find("shape");
  if (written == entry.end() || !written->is_array()) return broken(tensor.name, "has no shape");
  std::uint64_t bytes = dtype_bytes(tensor.dtype);
  for (const json& size : *written) {
    if (!size.is_number_unsigned()) return broken(tensor.name, "has a size that is no count");
    const auto count = size.get<std::uint64_t>();
    if (count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ||
        __builtin_mul_overflow(bytes, count, &bytes))
      return broken(tensor.name, "has a shape too large to count");
    tensor.shape.push_back(static_cast<std::int64_t>(count));
  }
  return bytes;
}

Result<TensorEntry> parse_entry(const std::string& name, const json& entry,
                                std::uint64_t data_begin, std::uint64_t data_bytes) {
  TensorEntry tensor;
  tensor.name = name;
  if (!entry.is_object()) return broken(name, "is not described by an object");
  tensor.dtype = TRY(parse_dtype(name, entry));
  const std::uint64_t bytes = TRY(parse_shape(tensor, entry));
  const auto offsets = entry.find("data_offsets");
  if (offsets == entry.end() || !offsets->is_array() || offsets->size() != 2 ||
      !(*offsets)[0].is_number_unsigned() || !(*offsets)[1].is_number_unsigned())
    return broken(name, "has no pair of data_offsets");
  const auto begin = (*offsets)[0].get<std::uint64_t>();
  const auto end = (*offsets)[1].get<std::uint64_t>();
  if (begin > end) return broken(name, "ends before it begins");
  if (end > data_bytes)
    return broken(name, "ends at byte " + std::to_string(end) + " of " +
                            std::to_string(data_bytes) + ": the file is cut off; get it again");
  if (end - begin != bytes)
    return broken(name, "has " + std::to_string(end - begin) + " bytes where its shape needs " +
                            std::to_string(bytes));
  tensor.begin = data_begin + begin;
  tensor.end = data_begin + end;
  return tensor;
}

// The entries must tile the file from data_begin to its end.
Result<void> check_tiling(std::vector<TensorEntry>& entries, std::uint64_t data_begin,
                          std::uint64_t file_bytes) {
  std::ranges::sort(entries, [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::uint64_t covered = data_begin;
  const TensorEntry* before = nullptr;
  for (const TensorEntry& tensor : entries) {
    if (tensor.begin < covered)
      return broken(tensor.name, "overlaps tensor " + shown_name(before->name));
    if (tensor.begin > covered)
      return broken(tensor.name, "leaves " + std::to_string(tensor.begin - covered) +
                                     " bytes before it that belong to no tensor");
    covered = tensor.end;
    before = &tensor;
  }
  if (covered != file_bytes)
    return corrupt("the file has " + std::to_string(file_bytes - covered) +
                   " bytes after its last tensor");
  return {};
}

}  // namespace

Result<SafetensorsHeader> parse_safetensors(std::span<const std::uint8_t> file) {
  std::uint64_t header_bytes = 0;
  if (file.size() < kLengthBytes) return corrupt("the file is too short for a safetensors header");
  std::memcpy(&header_bytes, file.data(), kLengthBytes);
  if (header_bytes > kSafetensorsHeaderMaxBytes)
    return corrupt(
        "it is neither a safetensors nor a GGUF file: as a safetensors header it would have " +
        std::to_string(header_bytes) + " bytes, where the limit is " +
        std::to_string(kSafetensorsHeaderMaxBytes));
  if (header_bytes > file.size() - kLengthBytes)
    return corrupt("the file ends inside its safetensors header: it is cut off; get it again");

  const json header = TRY(parse_header_json(file.subspan(kLengthBytes, header_bytes)));
  const std::uint64_t data_begin = kLengthBytes + header_bytes;
  SafetensorsHeader parsed;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__")
      parsed.metadata = TRY(parse_metadata(entry));
    else
      parsed.entries.push_back(TRY(parse_entry(name, entry, data_begin, file.size() - data_begin)));
  }
  TRY(check_tiling(parsed.entries, data_begin, file.size()));
  return parsed;
}

std::vector<std::uint8_t> format_safetensors(const std::vector<NamedBytes>& tensors,
                                             const std::map<std::string, std::string>& metadata) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const NamedBytes& tensor : tensors) {
    header[tensor.name] = {{"dtype", dtype_name(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');

  const std::uint64_t header_bytes = text.size();
  std::vector<std::uint8_t> file(kLengthBytes);
  file.reserve(kLengthBytes + header_bytes + offset);
  std::memcpy(file.data(), &header_bytes, kLengthBytes);
  file.insert(file.end(), text.begin(), text.end());
  for (const NamedBytes& tensor : tensors)
    file.insert(file.end(), tensor.bytes.begin(), tensor.bytes.end());
  return file;
}

}  // namespace pirouette::flux
