#include "worker/flux/storage/tensor_folder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include "worker/flux/storage/small_floats.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;

// Beyond this a folder is no folder of models, and looking through it would take minutes.
constexpr std::size_t kFilesMax = 10'000;
constexpr int kDepthMax = 4;
constexpr std::size_t kShownMax = 4;

// Of each weight that two files store alike, this many bytes are compared: enough to find a merged
// LoRA, which touches every row, and little enough to read.
constexpr std::size_t kSampleBytes = 4096;

// Biases and norms are rounded to bfloat16 (2^-9) or to half at most, except by float8 (2^-4).
constexpr double kSameTolerance = 0.004, kSameToleranceFloat8 = 0.07;

// By its first bytes: a safetensors header's brace, GGUF, or a pickle's archive.
bool may_hold_tensors(const fs::path& path) {
  std::array<char, 9> first{};
  std::ifstream in(path, std::ios::binary);
  if (!in.read(first.data(), first.size())) return false;
  return first[8] == '{' || std::memcmp(first.data(), "GGUF", 4) == 0 ||
         std::memcmp(first.data(), "PK\3\4", 4) == 0;
}

Result<void> list_files(const fs::path& folder, bool deep, std::vector<fs::path>& files) {
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) return {};
  fs::recursive_directory_iterator it(folder, fs::directory_options::follow_directory_symlink,
                                      failed);
  for (const fs::recursive_directory_iterator end; !failed && it != end; it.increment(failed)) {
    if (!deep || it.depth() >= kDepthMax) it.disable_recursion_pending();
    std::error_code ignored;
    if (!it->is_regular_file(ignored)) continue;
    if (files.size() == kFilesMax)
      return Error{Errc::busy, folder.string() + " has more than " + std::to_string(kFilesMax) +
                                   " files: give the model's file itself"};
    files.push_back(it->path());
  }
  if (failed) return Error{Errc::io, folder.string() + ": " + failed.message()};
  return {};
}

// The numbers of a small tensor; none for dtypes that biases and norms do not have.
std::optional<std::vector<double>> read_numbers(const StoredTensor& stored) {
  const auto bytes = stored.bytes();
  std::vector<double> numbers;
  const auto float8 =
      is_float8(stored.dtype) ? float8_values(stored.dtype) : std::array<float, 256>{};
  if (is_block(stored.dtype)) return std::nullopt;
  for (std::size_t at = 0; at < bytes.size(); at += dtype_bytes(stored.dtype)) {
    std::uint16_t small = 0;
    float wide = 0;
    if (stored.dtype == Dtype::f32) {
      std::memcpy(&wide, bytes.data() + at, sizeof wide);
    } else if (stored.dtype == Dtype::f16 || stored.dtype == Dtype::bf16) {
      std::memcpy(&small, bytes.data() + at, sizeof small);
      wide = stored.dtype == Dtype::f16
                 ? half_to_float(small)
                 : std::bit_cast<float>(static_cast<std::uint32_t>(small) << 16);
    } else if (is_float8(stored.dtype)) {
      wide = float8[bytes[at]];
    } else {
      return std::nullopt;
    }
    numbers.push_back(static_cast<double>(wide));
  }
  return numbers;
}

bool near(const StoredTensor& a, const StoredTensor& b) {
  const auto left = read_numbers(a), right = read_numbers(b);
  if (!left || !right) return true;  // cannot tell
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < left->size(); ++i) {
    const double d = (*left)[i] - (*right)[i];
    difference += d * d;
    size += (*left)[i] * (*left)[i];
  }
  const double tolerance =
      is_float8(a.dtype) || is_float8(b.dtype) ? kSameToleranceFloat8 : kSameTolerance;
  return std::sqrt(difference) <= tolerance * std::sqrt(size);
}

bool same_sample(const StoredTensor& a, const StoredTensor& b) {
  const std::size_t bytes = std::min<std::size_t>(a.end - a.begin, kSampleBytes);
  const std::size_t middle = (a.end - a.begin - bytes) / 2;
  return std::ranges::equal(a.bytes().subspan(middle, bytes), b.bytes().subspan(middle, bytes));
}

// Bits a number of the weights takes; what is scaled counts as a little wider.
double width_of(const Part& part) {
  double bits = 0, numbers = 0;
  for (const auto& [name, tensor] : part.file.tensors) {
    double elements = 1;
    for (const std::int64_t size : tensor.shape) elements *= static_cast<double>(size);
    bits += 8.0 * static_cast<double>(tensor.end - tensor.begin) +
            (tensor.scales.empty() ? 0.0 : elements / 100);
    numbers += elements;
  }
  return numbers > 0 ? bits / numbers : 0;
}

std::string list_shown(const std::vector<std::string>& texts, const char* separator) {
  std::string shown;
  for (std::size_t i = 0; i < std::min(texts.size(), kShownMax); ++i)
    shown += (i > 0 ? separator : "") + texts[i];
  return shown + (texts.size() > kShownMax ? separator + std::string("…") : "");
}

}  // namespace

bool same_model(const Part& a, const Part& b) {
  if (a.naming != b.naming) return false;  // no common names to compare
  for (const auto& [name, left] : a.file.tensors) {
    const auto found = b.file.tensors.find(name);
    if (found == b.file.tensors.end() || found->second.shape != left.shape) return false;
    const StoredTensor& right = found->second;
    if (left.shape.size() == 1 && !near(left, right)) return false;
    if (left.shape.size() > 1 && left.dtype == right.dtype && left.scales.empty() &&
        right.scales.empty() && !same_sample(left, right))
      return false;
  }
  return a.file.tensors.size() == b.file.tensors.size();
}

Result<FolderScan> scan_folders(const std::vector<fs::path>& folders, bool deep) {
  std::vector<fs::path> files;
  for (const fs::path& folder : folders) TRY(list_files(folder, deep, files));
  std::ranges::sort(files);
  FolderScan scan;
  for (const fs::path& path : files) {
    if (!may_hold_tensors(path)) continue;
    auto opened = open_tensor_file(path);
    auto parts = opened.ok() ? recognise(std::move(opened).value())
                             : Result<std::vector<Part>>(std::move(opened).error());
    if (!parts.ok()) {
      scan.passed_over.push_back(parts.error().what);
      continue;
    }
    std::ranges::move(std::move(parts).value(), std::back_inserter(scan.parts));
  }
  return scan;
}

Result<Part> choose_part(const FolderScan& scan, PartKind kind, const Part* transformer,
                         const std::string& where) {
  std::vector<const Part*> found, fitting;
  for (const Part& part : scan.parts) {
    if (part.kind != kind) continue;
    found.push_back(&part);
    if (transformer != nullptr && meeting_width(part) == meeting_width(*transformer, kind))
      fitting.push_back(&part);
  }
  if (!fitting.empty()) found = std::move(fitting);
  if (found.empty())
    return Error{Errc::not_found,
                 "there is no " + std::string(part_title(kind)) + " in " + where +
                     (scan.passed_over.empty()
                          ? ""
                          : " (passed over: " + list_shown(scan.passed_over, "; ") + ")")};
  std::ranges::stable_sort(
      found, [](const Part* a, const Part* b) { return width_of(*a) > width_of(*b); });
  std::vector<std::string> names;
  bool same = true;
  for (const Part* part : found) {
    names.push_back(part->file.path.string());
    same = same && (part == found.front() || same_model(*found.front(), *part));
  }
  if (!same)
    return Error{Errc::invalid,
                 "there are several models of a " + std::string(part_title(kind)) + ": " +
                     list_shown(names, ", ") +
                     (kind == PartKind::transformer
                          ? "; give the file of the one to use instead of the folder"
                          : "; name the one to use in pirouette.json: {\"files\": {\"" +
                                std::string(part_name(kind)) + "\": …}}")};
  return *found.front();
}

}  // namespace pirouette::flux
