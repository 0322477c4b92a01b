#include "coordinator/http/head.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "common/job/recipe.h"
#include "coordinator/http/limits.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/problem.h"

namespace pirouette::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n", kHeadEnd = "\r\n\r\n";
// The one route whose body goes to the disk as it comes, and so may be larger.
constexpr std::string_view kLoraUpload = "PUT /api/v1/loras/";

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool has_control_characters(std::string_view line) {
  return std::ranges::any_of(line, [](unsigned char c) { return c < 0x20 && c != '\t'; });
}

HeadSearch refuse(int status, std::string_view detail) {
  return {std::nullopt, problem(status, detail)};
}

// One header line. Empty: fine; else what is wrong with it.
std::string take_header(std::string_view line, Head& head, bool& sized) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 ||
      line.substr(0, colon).find_first_of(" \t") != std::string_view::npos) {
    return "a header must be written as NAME: VALUE";
  }
  const std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
  if (same_word(name, "Content-Length")) {
    const auto bytes = parse_number(value);
    if (!bytes) return "Content-Length is not a number";
    if (sized && *bytes != head.body_bytes) return "there are two lengths (Content-Length)";
    sized = true;
    head.body_bytes = *bytes;
  } else if (same_word(name, "Transfer-Encoding")) {
    if (head.chunked || !same_word(value, "chunked")) {
      return "Transfer-Encoding can only be chunked";
    }
    head.chunked = true;
  } else if (same_word(name, "Expect")) {
    head.expects = same_word(value, "100-continue");
  }
  return {};
}

}  // namespace

bool Head::is_upload() const {
  return chunked || body_bytes > kSmallBodyMaxBytes || (expects && body_bytes > 0);
}

HeadSearch find_head(std::string_view bytes) {
  const std::size_t end = bytes.find(kHeadEnd);
  if (end == std::string_view::npos || end > kHeadMaxBytes) {
    if (bytes.size() <= kHeadMaxBytes) return {};
    if (bytes.find('\n') > kHeadMaxBytes) return refuse(414, "the request line has no end");
    return refuse(
        431, "a request's headers may have " + std::to_string(kHeadMaxBytes) + " bytes together");
  }
  Head head;
  head.bytes = end + kHeadEnd.size();
  bool sized = false;
  std::uint64_t body_max = kBodyMaxBytes;
  std::string_view rest = bytes.substr(0, end);
  for (bool first = true; !rest.empty(); first = false) {
    const std::size_t line_end = rest.find(kLineEnd);
    const std::string_view line = rest.substr(0, line_end);
    rest = line_end == std::string_view::npos ? "" : rest.substr(line_end + kLineEnd.size());
    if (has_control_characters(line)) {
      return refuse(400, "there are control characters in the request's head");
    }
    if (first) {
      if (line.starts_with(kLoraUpload)) body_max = kLoraMaxBytes;
      continue;
    }
    const std::string wrong = take_header(line, head, sized);
    if (!wrong.empty()) return refuse(400, wrong);
  }
  if (head.chunked && sized) {
    return refuse(400, "there is a Content-Length, and the body is chunked");
  }
  if (head.body_bytes > body_max) {
    return refuse(413, "no body here is larger than " + std::to_string(body_max) + " bytes");
  }
  return {head, std::nullopt};
}

}  // namespace pirouette::http
