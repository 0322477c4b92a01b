// See source.h.

#include "tests/tidy/source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace pirouette::tidy {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kFolders = {"common", "coordinator", "worker", "web",
                                                      "schema", "tests",       "deploy"};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Where the literal that starts at `at` ends (one past its closing quote).
std::size_t literal_end(std::string_view text, std::size_t at) {
  if (text[at] == '"' && at > 0 && text[at - 1] == 'R') {
    const std::size_t open = text.find('(', at);
    if (open == text.npos) return text.size();
    const std::string close = ")" + std::string(text.substr(at + 1, open - at - 1)) + "\"";
    const std::size_t end = text.find(close, open);
    return end == text.npos ? text.size() : end + close.size();
  }
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == text[at] || text[i] == '\n')
      return i + 1;
  }
  return text.size();
}

// Where the comment or literal that starts here ends; `at` if none does. A ' between digits parts
// thousands.
std::size_t skipped(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("//")) return std::min(text.find('\n', at), text.size());
  if (rest.starts_with("/*")) {
    const std::size_t end = text.find("*/", at + 2);
    return end == text.npos ? text.size() : end + 2;
  }
  const bool quote = rest[0] == '"' || (rest[0] == '\'' && (at == 0 || !is_word(text[at - 1])));
  return quote ? literal_end(text, at) : at;
}

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> quoted_includes(const std::string& text) {
  constexpr std::string_view kInclude = "#include \"";
  std::vector<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kInclude)) {
      out.push_back(line.substr(kInclude.size(), line.rfind('"') - kInclude.size()));
    }
  }
  return out;
}

std::vector<Source> load_sources() {
  const fs::path root = PIROUETTE_SOURCE_DIR;
  std::vector<Source> sources;
  for (const std::string_view folder : kFolders) {
    for (auto it = fs::recursive_directory_iterator(root / folder);
         it != fs::recursive_directory_iterator(); ++it) {
      const std::string name = it->path().filename();
      if (name == "node_modules" || name == "data" || name == "dist")
        it.disable_recursion_pending();
      if (it->path().extension() != ".h" && it->path().extension() != ".cpp") continue;
      Source source{fs::relative(it->path(), root), read(it->path()), "", {}};
      source.code = without_comments_and_literals(source.text);
      source.includes = quoted_includes(source.text);
      sources.push_back(std::move(source));
    }
  }
  std::sort(sources.begin(), sources.end(),
            [](const Source& a, const Source& b) { return a.path < b.path; });
  return sources;
}

bool opens_function(std::string_view before) {
  const std::vector<std::string> found = words(before);
  for (const std::string_view no : {"namespace", "class", "struct", "enum", "union"}) {
    if (std::find(found.begin(), found.end(), no) != found.end()) return false;
  }
  return before.find('(') != before.npos && before.find('=') == before.npos;
}

}  // namespace

std::string without_comments_and_literals(std::string_view text) {
  std::string code(text);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = skipped(text, at);
    for (std::size_t i = at; i < end; ++i) {
      if (code[i] != '\n') code[i] = ' ';
    }
    at = std::max(end, at + 1);
  }
  return code;
}

std::vector<std::string> words(std::string_view code) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < code.size();) {
    std::size_t end = at;
    while (end < code.size() && is_word(code[end])) ++end;
    if (end > at) out.emplace_back(code.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string folder(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? "" : std::string(path.substr(0, slash));
}

std::vector<Function> functions(std::string_view code) {
  std::vector<Function> out;
  std::vector<int> opened;  // line of each open brace that begins a function's body, or 0
  std::size_t statement = 0;
  int line = 1, inside = 0;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (code[i] == '\n') ++line;
    if (code[i] == ';' || code[i] == '{' || code[i] == '}') {
      const std::string_view before = code.substr(statement, i - statement);
      statement = i + 1;
      if (code[i] == '{') {
        const bool body = inside == 0 && opens_function(before);
        opened.push_back(body ? line : 0);
        inside += body ? 1 : 0;
      } else if (code[i] == '}' && !opened.empty()) {
        if (opened.back() > 0) {
          out.push_back({opened.back(), line - opened.back() + 1});
          --inside;
        }
        opened.pop_back();
      }
    }
  }
  return out;
}

const std::vector<Source>& all_sources() {
  static const std::vector<Source> sources = load_sources();
  return sources;
}

std::map<std::string, int> allowed() {
  std::map<std::string, int> out;
  std::istringstream lines(read(fs::path(PIROUETTE_SOURCE_DIR) / "tests/tidy/allowed.txt"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string path, rule;
    int number = 0;
    if (fields >> path >> rule >> number && !path.starts_with('#')) out[path + " " + rule] = number;
  }
  return out;
}

}  // namespace pirouette::tidy
