#include "common/wire/frames.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/wire/limits.h"

namespace pirouette::wire {
namespace {

template <typename Message>
Result<Message> parse(Bytes bytes, std::int64_t limit, const char* what) {
  static_assert(kControlFrameMaxBytes <= std::numeric_limits<int>::max());
  if (static_cast<std::int64_t>(bytes.size()) > limit) {
    return Error{Errc::corrupt, std::string(what) + " of " + std::to_string(bytes.size()) +
                                    " bytes, the limit is " + std::to_string(limit)};
  }
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Error{Errc::corrupt, std::string(what) + " cannot be read"};
  }
  return message;
}

template <typename Frame>
Result<Frame> parse_frame(Bytes bytes, const char* what) {
  Frame frame = TRY(parse<Frame>(bytes, kControlFrameMaxBytes, what));
  if (frame.messages_size() > kFrameMaxMessages) {
    return Error{Errc::corrupt, std::string(what) + " of " + std::to_string(frame.messages_size()) +
                                    " messages, the limit is " + std::to_string(kFrameMaxMessages)};
  }
  return frame;
}

Result<void> check_limits(const pirouette::RenderSpec& spec) {
  const auto side_fits = [](int side) { return side >= kSideMinPx && side <= kSideMaxPx; };
  if (!side_fits(spec.width) || !side_fits(spec.height)) {
    return Error{Errc::invalid, "a picture of " + std::to_string(spec.width) + "x" +
                                    std::to_string(spec.height) + " is outside the limits"};
  }
  if (spec.steps < 1 || spec.steps > kStepsMax) {
    return Error{Errc::invalid, std::to_string(spec.steps) + " steps are outside the limits"};
  }
  if (spec.prompt.size() > kPromptMaxBytes || spec.negative_prompt.size() > kPromptMaxBytes) {
    return Error{Errc::invalid, "a prompt is longer than " + std::to_string(kPromptMaxBytes)};
  }
  for (const RecipeLora& lora : spec.loras) {
    if (lora.bytes <= kLoraMaxBytes) continue;
    return Error{Errc::invalid, "the LoRA " + lora.name + " is larger than " +
                                    std::to_string(kLoraMaxBytes) + " bytes"};
  }
  const bool all_finite =
      std::isfinite(spec.guidance) && std::isfinite(spec.true_cfg) &&
      std::all_of(spec.loras.begin(), spec.loras.end(),
                  [](const RecipeLora& lora) { return std::isfinite(lora.scale); });
  if (!all_finite) return Error{Errc::invalid, "a guidance or scale is not a number"};
  return {};
}

// Bytes of the UTF-8 character that text begins with, 0 when there is none (RFC 3629: no overlong
// forms, no surrogates, nothing beyond U+10FFFF).
std::size_t character_bytes(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  const bool out_of_range = (first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) > 0x9F) ||
                            (first == 0xF0 && at(1) < 0x90) || (first == 0xF4 && at(1) > 0x8F);
  return out_of_range ? 0 : length;
}

// Bytes at the beginning of text that are valid UTF-8. Most texts are plain ASCII: eight at a time.
std::size_t valid_bytes(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t valid = 0;
  for (std::uint64_t word = 0; valid + sizeof word <= text.size(); valid += sizeof word) {
    std::memcpy(&word, text.data() + valid, sizeof word);
    if ((word & kHighBits) != 0) break;
  }
  while (valid < text.size()) {
    const std::size_t bytes = character_bytes(text.substr(valid));
    if (bytes == 0) break;
    valid += bytes;
  }
  return valid;
}

}  // namespace

Result<WorkerFrame> parse_worker_frame(Bytes bytes) {
  return parse_frame<WorkerFrame>(bytes, "a worker's frame");
}

Result<CoordinatorFrame> parse_coordinator_frame(Bytes bytes) {
  return parse_frame<CoordinatorFrame>(bytes, "a coordinator's frame");
}

Result<BlobMessage> parse_blob_message(Bytes bytes) {
  return parse<BlobMessage>(bytes, kBlobFrameMaxBytes, "a blob message");
}

std::optional<Digest> find_digest(std::string_view bytes) {
  Digest digest;
  if (bytes.size() != digest.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  if (!digest) return std::nullopt;
  return digest;
}

std::string to_bytes(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

void fill_spec(Assign& assign, const pirouette::RenderSpec& spec) {
  RenderSpec message;
  message.set_model(to_utf8(spec.model));
  for (const RecipeLora& lora : spec.loras) {
    Lora& added = *message.add_loras();
    added.set_name(to_utf8(lora.name));
    added.set_scale(lora.scale);
    added.set_trigger(to_utf8(lora.trigger));
    if (!lora.sha256) continue;
    added.set_sha256(to_bytes(lora.sha256));
    added.set_size(lora.bytes);
  }
  message.set_prompt(to_utf8(spec.prompt));
  message.set_negative_prompt(to_utf8(spec.negative_prompt));
  message.set_true_cfg(spec.true_cfg);
  message.set_reference(to_bytes(spec.reference));
  message.set_reference_size(spec.reference_size);
  message.set_width(spec.width);
  message.set_height(spec.height);
  message.set_steps(spec.steps);
  message.set_guidance(spec.guidance);
  message.set_seed(spec.seed);
  message.set_max_sequence_length(spec.max_sequence_length);
  if (!spec.step_cache.is_off()) message.set_step_cache(to_text(spec.step_cache));
  message.SerializeToString(assign.mutable_spec());
  assign.set_spec_digest(to_bytes(sha256(assign.spec())));
}

Result<pirouette::RenderSpec> read_spec(const Assign& assign) {
  if (to_bytes(sha256(assign.spec())) != assign.spec_digest()) {
    return Error{Errc::corrupt, "the job's order does not have the hash it came with"};
  }
  RenderSpec message;
  if (!message.ParseFromString(assign.spec())) {
    return Error{Errc::corrupt, "the job's order cannot be read"};
  }
  const auto reference = find_digest(message.reference());
  if (!reference) return Error{Errc::corrupt, "the job's order names no reference picture"};
  pirouette::RenderSpec spec;
  spec.model = std::move(*message.mutable_model());
  for (const Lora& lora : message.loras()) {
    spec.loras.push_back({lora.name(), lora.scale(), lora.trigger()});
    if (lora.sha256().empty()) continue;
    const auto digest = find_digest(lora.sha256());
    if (!digest) return Error{Errc::corrupt, "the job's order names a LoRA's bytes wrongly"};
    spec.loras.back().sha256 = *digest;
    spec.loras.back().bytes = lora.size();
  }
  spec.prompt = std::move(*message.mutable_prompt());
  spec.negative_prompt = std::move(*message.mutable_negative_prompt());
  spec.true_cfg = message.true_cfg();
  spec.reference = *reference;
  spec.reference_size = message.reference_size();
  spec.width = message.width();
  spec.height = message.height();
  spec.steps = message.steps();
  spec.guidance = message.guidance();
  spec.seed = message.seed();
  spec.max_sequence_length = message.max_sequence_length();
  spec.step_cache = TRY(parse_step_cache(message.step_cache()));
  TRY(check_limits(spec));
  return spec;
}

std::string json_object_or_empty(std::string_view text, std::size_t limit) {
  if (text.size() > limit || text.empty() || text.front() != '{') return "{}";
  if (!nlohmann::json::accept(text)) return "{}";
  return std::string(text);
}

std::string to_utf8(std::string_view text) {
  std::string valid;
  for (std::string_view rest = text;;) {
    const std::size_t bytes = valid_bytes(rest);
    valid += rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    if (rest.empty()) return valid;
    valid += "\uFFFD";
    rest.remove_prefix(1);
  }
}

std::string shorten(std::string text, std::size_t limit) {
  static constexpr std::string_view kMark = "…";
  text = to_utf8(text);
  if (text.size() <= limit) return text;
  std::size_t end = limit > kMark.size() ? limit - kMark.size() : 0;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  text += kMark;
  return text;
}

}  // namespace pirouette::wire
