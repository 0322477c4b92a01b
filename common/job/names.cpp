// See names.h.

#include "common/job/names.h"

#include <algorithm>

namespace pirouette {
namespace {

bool is_control(unsigned char byte) { return byte < 0x20 || byte == 0x7f; }

// U+0080 to U+009F, which a terminal may obey, are C2 80 to C2 9F in UTF-8.
bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (is_control(byte)) return true;
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      return true;
    }
  }
  return false;
}

bool is_kept(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_dot_or_space(char c) { return c == '.' || c == ' '; }

}  // namespace

std::string find_fault(std::string_view character) {
  if (character.empty()) return "must not be empty";
  if (character.find('/') != std::string_view::npos || has_control(character)) {
    return "must not have '/' or control characters in it";
  }
  if (is_dot_or_space(character.front()) || is_dot_or_space(character.back())) {
    return "must not start or end with a dot or a space";
  }
  return "";
}

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\t' && c != '\r') || byte == 0x7f;
  });
}

std::string safe_name(std::string_view text) {
  if (text.empty()) return "_";
  std::string safe(text);
  std::ranges::replace_if(
      safe, [](char c) { return !is_kept(c); }, '_');
  if (safe.front() == '.') safe.front() = '_';
  if (safe.back() == '.') safe.back() = '_';
  return safe;
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace pirouette
