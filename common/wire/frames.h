#pragma once
// Bytes of the wire to messages and back, and the messages that stand for our own structs. Bytes
// are never trusted: sizes are checked before parsing, digests for their length, texts for what
// they claim to be. Pure; any thread.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/hash.h"
#include "common/job/recipe.h"
#include "common/result.h"
#include "wire/blob.pb.h"
#include "wire/control.pb.h"

namespace pirouette::wire {

using Bytes = std::span<const std::uint8_t>;

// corrupt: too large, not a message, or too many messages in it.
Result<WorkerFrame> parse_worker_frame(Bytes bytes);
Result<CoordinatorFrame> parse_coordinator_frame(Bytes bytes);
Result<BlobMessage> parse_blob_message(Bytes bytes);

// 32 bytes, not all zero.
std::optional<Digest> find_digest(std::string_view bytes);
std::string to_bytes(const Digest& digest);

// A job's order. The digest is of the serialized spec, so that a worker can tell a damaged one.
void fill_spec(Assign& assign, const pirouette::RenderSpec& spec);
// corrupt: digest or message; invalid: values outside the limits of common/job/recipe.h.
Result<pirouette::RenderSpec> read_spec(const Assign& assign);

// The text if it is one JSON object of at most limit bytes, or "{}".
std::string json_object_or_empty(std::string_view text, std::size_t limit);

// The text with U+FFFD for each byte that is no UTF-8. A message whose `string` holds other bytes
// cannot be read at the far end, and texts of engines, files and the system may be in any encoding.
std::string to_utf8(std::string_view text);

// Valid UTF-8 of at most limit bytes, cut at a character's edge and ended with "…".
std::string shorten(std::string text, std::size_t limit);

}  // namespace pirouette::wire
