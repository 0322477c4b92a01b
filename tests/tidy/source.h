#pragma once
// The project's sources as the rules see them: C++ files with comments and literals blanked out, so
// that only code is judged. Lines stay where they are.

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pirouette::tidy {

struct Source {
  std::string path;  // from the project's root
  std::string text;
  std::string code;                   // text without comments and the insides of literals
  std::vector<std::string> includes;  // of "…", not of <…>
};

std::string without_comments_and_literals(std::string_view text);
std::vector<std::string> words(std::string_view code);  // identifiers
std::string folder(std::string_view path);              // "" for the root's files

struct Function {
  int line = 0;   // of its opening brace, from 1
  int lines = 0;  // from brace to brace
};
// Bodies of functions: outermost braces that are no namespace, type, enum or initializer.
std::vector<Function> functions(std::string_view code);

// Every .h and .cpp of the project's folders, in order of path.
const std::vector<Source>& all_sources();

// "path rule" of tests/tidy/allowed.txt, with the number that the rule may reach there.
std::map<std::string, int> allowed();

}  // namespace pirouette::tidy
