#pragma once
// When a batch should be ready, as people say it. What has no offset is this machine's local time.

#include <string>
#include <string_view>

#include "common/result.h"
#include "common/time.h"

namespace pirouette::ctl {

// RFC 3339; "09:00" (the next one), "today 17:30", "tomorrow 09:00", "2026-03-01 09:00". invalid:
// none of these, a time that this day does not have, or one that is past.
Result<Instant> parse_deadline(std::string_view text, Instant now);

// "2026-03-01 09:00 CET (2026-03-01T08:00:00.000Z), in 9 h 12 min"
std::string describe_deadline(Instant deadline, Instant now);

}  // namespace pirouette::ctl
