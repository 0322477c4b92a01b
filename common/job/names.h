#pragma once
// Names of characters, and of the files that they become. A character may be called anything that
// can be printed, in any script; what that makes of a file's name is decided in safe_name alone.
// Pure.

#include <string>
#include <string_view>

namespace pirouette {

// What is wrong with a character's name, to be said behind it: "must not start or end with …"; ""
// if it is good. Its length and that it is UTF-8 are not checked here.
std::string find_fault(std::string_view character);

// Whether a text of several lines has any beside line ends and tabs.
bool has_control_characters(std::string_view text);

// For a file's or a folder's name on every system: UTF-8 letters, digits, '_', '-' and '.' stay,
// every other ASCII character becomes '_', and a '.' at either end too. Not "".
std::string safe_name(std::string_view text);

// Some file systems take names for the same that differ only in the case of A to Z.
std::string lower_case(std::string text);

}  // namespace pirouette
