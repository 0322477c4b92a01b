#include "coordinator/ctl/subject.h"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/job/names.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

using Kind = Subject::Kind;

// Of the names that there are, how many a message lists.
constexpr std::size_t kNamedMax = 12;

struct KindWords {
  Kind kind;
  const char* one;
  const char* many;
};
constexpr std::array<KindWords, 3> kKinds{{{Kind::batch, "batch", "batches"},
                                           {Kind::sheet, "sheet", "sheets"},
                                           {Kind::pose, "pose", "poses"}}};

const KindWords& words_of(Kind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }

std::optional<std::uint64_t> parse_number(const std::string& text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  if (text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::stoull(text);
}

// The one of these whose field says so, whatever its case.
Result<Json> find_named(const Json& all, const char* field, const std::string& name,
                        const std::string& of_what) {
  std::string names;
  std::size_t count = 0;
  for (const Json& one : all) {
    const std::string is = text_of(one, field);
    if (lower_case(is) == lower_case(name)) return one;
    if (count++ < kNamedMax) names += (names.empty() ? "" : ", ") + printable(is);
  }
  if (count > kNamedMax) names += " and " + std::to_string(count - kNamedMax) + " more";
  return Error{Errc::not_found, of_what + " \"" + name + "\"; there are: " + names};
}

Result<Subject> find_in_batch(Client& client, const std::string& batch, const std::string& sheet,
                              const std::string& view) {
  const Json sheets = TRY(client.get_all("/batches/" + batch + "/sheets"));
  const Json found =
      TRY(find_named(sheets, "character", sheet, "batch " + batch + " has no character"));
  if (view.empty()) return Subject{Kind::sheet, number_of(found, "id")};
  const Json pose = TRY(find_named(found.value("poses", Json::array()), "view_id", view,
                                   "the sheet of " + printable(sheet) + " has no view"));
  return Subject{Kind::pose, number_of(pose, "id")};
}

}  // namespace

std::string Subject::path() const {
  return std::string("/") + words_of(kind).many + "/" + std::to_string(id);
}

std::string Subject::text() const {
  return std::string(words_of(kind).one) + " " + std::to_string(id);
}

Result<Subject> find_subject(Client& client, const std::string& text, Kind number_is) {
  if (const auto number = parse_number(text)) return Subject{number_is, *number};
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) {
    return Error{Errc::invalid, "\"" + text +
                                    "\" names nothing; write a number, BATCH/CHARACTER or "
                                    "BATCH/CHARACTER/VIEW, as in 7/knight/back"};
  }
  const std::string first = text.substr(0, slash), rest = text.substr(slash + 1);
  for (const KindWords& words : kKinds) {
    const auto number = parse_number(rest);
    if (first == words.one && number) return Subject{words.kind, *number};
  }
  if (!parse_number(first)) {
    return Error{Errc::invalid,
                 "\"" + text + "\" begins with no batch's number; write it as in 7/knight/back"};
  }
  const std::size_t last = rest.rfind('/');
  if (last == std::string::npos) return find_in_batch(client, first, rest, "");
  return find_in_batch(client, first, rest.substr(0, last), rest.substr(last + 1));
}

}  // namespace pirouette::ctl
