// The project's own rules: who may include whom, words that pure parts do not know, names that say
// nothing, lengths, and that every test is built.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/tidy/source.h"

namespace pirouette::tidy {
namespace {

constexpr int kFileLinesMax = 500, kFunctionLinesMax = 70;

struct Edge {
  std::string from;             // a folder and what is below it
  std::vector<std::string> to;  // folders and files; its own folder and common/ always
};

// The longest matching `from` counts.
const std::vector<Edge>& edges() {
  static const std::vector<std::string> core_words = {
      "coordinator/core/event.h", "coordinator/core/effect.h", "coordinator/core/state.h"};
  static const auto with = [](std::vector<std::string> more) {
    more.insert(more.end(), core_words.begin(), core_words.end());
    return more;
  };
  static const std::vector<Edge> table = {
      {"common/", {"schema/"}},
      {"coordinator/core/", {}},
      {"coordinator/store/", with({"schema/"})},
      {"coordinator/dispatch/", with({})},
      {"coordinator/http/",
       with({"coordinator/store/read_model.h", "coordinator/delivery/", "web/"})},
      {"coordinator/assembly/", with({})},
      {"coordinator/delivery/", with({})},
      {"coordinator/runtime/", {"coordinator/"}},
      {"coordinator/ctl/", {}},
      {"coordinator/main.cpp", {"coordinator/"}},
      {"worker/agent/", {}},
      {"worker/flux/", {}},
      {"worker/flux/storage/", {}},
      {"worker/train/", {"worker/flux/"}},
      {"worker/train/characters/", {}},
      {"worker/engine/", {}},
      {"worker/engine/flux_engine", {"worker/flux/", "worker/agent/"}},
      {"worker/link/", {"worker/agent/", "worker/engine/"}},
      {"worker/main.cpp", {"worker/"}},
  };
  return table;
}

TEST(Tidy, IncludesFollowTheTable) {
  for (const Source& source : all_sources()) {
    const Edge* rule = nullptr;
    for (const Edge& edge : edges()) {
      if (!source.path.starts_with(edge.from)) continue;
      if (rule == nullptr || edge.from.size() > rule->from.size()) rule = &edge;
    }
    if (rule == nullptr) continue;
    const std::string own = rule->from.substr(0, rule->from.rfind('/') + 1);
    for (const std::string& include : source.includes) {
      const auto may = [&](const std::string& to) { return include.starts_with(to); };
      const bool generated = include.ends_with(".pb.h") || include == "db/migrations.h";
      EXPECT_TRUE(generated || may("common/") || may(own) ||
                  std::any_of(rule->to.begin(), rule->to.end(), may))
          << source.path << " must not include " << include;
    }
  }
}

TEST(Tidy, PurePartsKnowNoClockThreadChanceOrFloat) {
  const std::set<std::string> banned = {"double", "float", "chrono", "thread", "mutex", "rand"};
  for (const Source& source : all_sources()) {
    if (!source.path.starts_with("coordinator/core/") &&
        !source.path.starts_with("worker/agent/")) {
      continue;
    }
    for (const std::string& word : words(source.code)) {
      EXPECT_FALSE(banned.contains(word) || word.starts_with("unordered_"))
          << source.path << " is pure and says " << word;
    }
  }
}

// "info" is banned for files only: in code it is a level of the log. A library's member is its own
// affair (a tensor's .item<T>()).
TEST(Tidy, NamesSaySomething) {
  const std::set<std::string> banned = {"manager", "helper",  "helpers", "util",
                                        "utils",   "handler", "item"};
  std::map<std::string, int> allowances = allowed();
  for (const Source& source : all_sources()) {
    int found = 0;
    std::string said;
    std::string code = source.code;
    for (std::size_t at; (at = code.find(".item<")) != code.npos;) code.replace(at, 6, ".i<");
    for (const std::string& word : words(code)) {
      if (!banned.contains(word)) continue;
      ++found;
      said += " " + word;
    }
    EXPECT_EQ(found, allowances[source.path + " names"]) << source.path << " says" << said;

    std::string name = source.path.substr(source.path.rfind('/') + 1);
    name.resize(name.rfind('.'));
    std::replace(name.begin(), name.end(), '_', ' ');
    for (const std::string& word : words(name)) {
      EXPECT_FALSE(banned.contains(word) || word == "data" || word == "info") << source.path;
    }
  }
}

// What stands at path is at most limit, or at most what allowed.txt says; and that list is no
// longer than it must be.
void expect_length(std::map<std::string, int>& allowances, const std::string& path,
                   const std::string& rule, int length, int limit, int line) {
  const auto allowance = allowances.find(path + " " + rule);
  const int most = allowance == allowances.end() ? limit : allowance->second;
  EXPECT_LE(length, most) << path << ":" << line << " " << rule << " of " << length << " lines";
}

TEST(Tidy, FilesAndFunctionsAreShort) {
  std::map<std::string, int> allowances = allowed();
  std::map<std::string, int> longest;
  for (const Source& source : all_sources()) {
    const auto lines = static_cast<int>(std::count(source.text.begin(), source.text.end(), '\n'));
    longest[source.path + " file"] = lines;
    expect_length(allowances, source.path, "file", lines, kFileLinesMax, 1);
    for (const Function& function : functions(source.code)) {
      int& most = longest[source.path + " function"];
      most = std::max(most, function.lines);
      expect_length(allowances, source.path, "function", function.lines, kFunctionLinesMax,
                    function.line);
    }
  }
  for (const auto& [what, length] : allowances) {
    if (what.ends_with(" names")) continue;
    EXPECT_EQ(longest[what], length) << "tests/tidy/allowed.txt: " << what << " may shrink";
  }
}

TEST(Tidy, EveryHeaderBeginsWithItsIdea) {
  for (const Source& source : all_sources()) {
    if (!source.path.ends_with(".h")) continue;
    EXPECT_TRUE(source.text.starts_with("#pragma once\n//") || source.text.starts_with("//"))
        << source.path << " has no comment at its head";
  }
}

TEST(Tidy, NoMachinesPathsAndNoLooseEnds) {
  // Put together here, so that this file does not find itself.
  const std::vector<std::string> banned = {std::string("/ho") + "me/", std::string("/wo") + "rk/",
                                           std::string("/ro") + "ot/", std::string("TO") + "DO",
                                           std::string("FIX") + "ME"};
  for (const Source& source : all_sources()) {
    for (const std::string& text : banned) {
      EXPECT_EQ(source.text.find(text), std::string::npos) << source.path << " says " << text;
    }
  }
}

TEST(Tidy, EveryTestFileIsBuilt) {
  std::ifstream in(std::string(PIROUETTE_BINARY_DIR) + "/compile_commands.json");
  const std::string built{std::istreambuf_iterator<char>(in), {}};
  if (built.empty()) GTEST_SKIP() << "configured without compile_commands.json";
  for (const Source& source : all_sources()) {
    if (!source.path.starts_with("tests/") || !source.path.ends_with("_test.cpp")) continue;
    if (built.find("/" + source.path + "\"") != std::string::npos) continue;
    // What needs torch is built where torch is.
    const bool needs_torch = source.path.starts_with("tests/golden/") ||
                             source.path.starts_with("tests/integration/") ||
                             source.path.starts_with("tests/unit/train/") ||
                             source.text.find("worker/flux/") != std::string::npos;
    const bool torch = built.find("worker/flux/model") != std::string::npos;
    // What runs on a GPU is built by the preset cuda alone.
    if (source.path.starts_with("tests/gpu/")) continue;
    EXPECT_TRUE(needs_torch && !torch) << source.path << " belongs to no test program";
  }
}

TEST(TidySource, CommentsAndLiteralsAreNoCode) {
  EXPECT_EQ(
      words(without_comments_and_literals(
          "int a = 1'000; // thread\nf(\"mutex \\\" rand\", 'x'); /* float\n */ R\"(double)\"")),
      (std::vector<std::string>{"int", "a", "1", "000", "f", "R"}));
}

TEST(TidySource, FunctionsAreMeasuredFromBraceToBrace) {
  const std::vector<Function> found = functions(
      "namespace n {\nstruct S { int x = f(1);\n int g() {\n return 1;\n } };\nvoid f(int a) {\n"
      " if (a) {\n }\n}\n}\n");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].line, 3);
  EXPECT_EQ(found[1].lines, 4);
}

}  // namespace
}  // namespace pirouette::tidy
