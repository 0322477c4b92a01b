#include "common/job/lora_head.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/job/fields.h"

namespace pirouette {
namespace {

using nlohmann::json;

// A file begins with its header's length, 8 bytes, the lowest first.
constexpr std::size_t kLengthBytes = 8;

// Every LoRA format has one of these in its tensors' names; no checkpoint has.
constexpr std::array<std::string_view, 6> kLoraWords = {"lora",  "hada_w", "lokr_w",
                                                        ".diff", "dora_",  "lycoris"};

std::uint64_t length_of(std::string_view head) {
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) {
    length = length << 8 | static_cast<std::uint8_t>(head[i]);
  }
  return length;
}

Error no_lora(const std::string& why) { return {Errc::invalid, "this is no LoRA file: " + why}; }

// The end of a tensor's bytes, counted from the header's end; none: not described as a tensor is.
Result<std::uint64_t> end_of(const json& tensor) {
  const Error wrong = no_lora(
      "its header describes something that is no tensor; the file is damaged: get it again");
  if (!tensor.is_object() || !tensor.contains("dtype") || !tensor.contains("shape")) return wrong;
  const auto offsets = tensor.find("data_offsets");
  if (offsets == tensor.end() || !offsets->is_array() || offsets->size() != 2) return wrong;
  if (!(*offsets)[0].is_number_unsigned() || !(*offsets)[1].is_number_unsigned()) return wrong;
  const auto begin = (*offsets)[0].get<std::uint64_t>(), end = (*offsets)[1].get<std::uint64_t>();
  if (begin > end) return wrong;
  return end;
}

bool says_lora(const std::string& key) {
  return std::ranges::any_of(kLoraWords,
                             [&](std::string_view word) { return key.find(word) != key.npos; });
}

}  // namespace

void LoraHead::add(std::span<const std::uint8_t> bytes) {
  file_bytes_ += bytes.size();
  const auto take = [&](std::uint64_t most) {
    const std::size_t wanted = head_.size() < most ? most - head_.size() : 0;
    const std::size_t taken = std::min(wanted, bytes.size());
    head_.append(reinterpret_cast<const char*>(bytes.data()), taken);
    bytes = bytes.subspan(taken);
  };
  take(kLengthBytes);
  if (head_.size() < kLengthBytes) return;
  const std::uint64_t length = length_of(head_);
  if (length <= kLoraHeadMaxBytes) take(kLengthBytes + length);
}

Result<void> LoraHead::check() const {
  static const std::string kWanted =
      "it must be a safetensors file; a .ckpt or .pt must be converted first";
  if (file_bytes_ < kLengthBytes) {
    return no_lora("it has " + std::to_string(file_bytes_) + " bytes; " + kWanted);
  }
  const std::uint64_t length = length_of(head_);
  if (length > kLoraHeadMaxBytes) {
    return no_lora("it does not begin with a safetensors header; " + kWanted);
  }
  if (file_bytes_ < kLengthBytes + length) {
    return no_lora(
        "it ends inside its header, so it is cut off or no safetensors file; get it again");
  }
  const auto parsed =
      job::parse_json(std::string_view(head_).substr(kLengthBytes), kLoraHeadMaxBytes);
  if (!parsed.ok() || !parsed.value().is_object()) {
    return no_lora("it does not begin with a safetensors header" +
                   (parsed.ok() ? "; " : " (" + parsed.error().what + "); ") + kWanted);
  }
  const json& header = parsed.value();
  const std::uint64_t data_bytes = file_bytes_ - kLengthBytes - length;
  std::uint64_t end = 0;
  bool has_lora = false;
  for (const auto& [key, tensor] : header.items()) {
    if (key == "__metadata__") continue;
    end = std::max(end, TRY(end_of(tensor)));
    has_lora = has_lora || says_lora(key);
  }
  if (end > data_bytes) {
    return no_lora("its tensors need " + std::to_string(end) + " bytes and " +
                   std::to_string(data_bytes) + " are there: it is cut off; get it again");
  }
  if (end < data_bytes) {
    return no_lora("it has " + std::to_string(data_bytes - end) +
                   " bytes after its last tensor: it is damaged; get it again");
  }
  if (!has_lora) {
    return no_lora(
        "none of its tensors is named as a LoRA's; a whole model is given to workers with --model");
  }
  return {};
}

}  // namespace pirouette
