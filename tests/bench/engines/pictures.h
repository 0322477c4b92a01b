#pragma once
// What programs that draw contact sheets share.

#include <string>

#include "common/image/image.h"
#include "tests/judge/panel.h"

namespace pirouette::bench {

// --size's "192x288"; 64 to 2048 a side.
Result<judge::Size> parse_size(const std::string& text);

// Into a picture of as many channels, where it must have room.
void paste(const Image& from, int left, int top, Image& onto);

}  // namespace pirouette::bench
