// `pirouette explain`: why a job waits or failed, what a sheet lacks, why a worker idles.

#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"
#include "coordinator/ctl/subject.h"

namespace pirouette::ctl {
namespace {

struct Noun {
  std::string_view name;
  std::string_view path;
};
constexpr std::array<Noun, 4> kNouns{Noun{"batch", "/batches/"}, Noun{"sheet", "/sheets/"},
                                     Noun{"job", "/jobs/"}, Noun{"worker", "/workers/"}};

// 7/knight is a sheet, 7/knight/back a pose, and that is explained by its newest take.
Result<std::string> find_path(Client& client, const std::string& name) {
  const Subject subject = TRY(find_subject(client, name, Subject::Kind::batch));
  if (subject.kind != Subject::Kind::pose) return subject.path();
  const Json takes = TRY(client.get_all(subject.path() + "/takes"));
  if (takes.empty()) return Error{Errc::corrupt, "the server knows no take of " + subject.text()};
  return "/jobs/" + std::to_string(number_of(takes.back(), "id"));
}

Exit say(const Json& told, Console& console) {
  console.out << (console.json ? told.dump() : text_of(told, "sentence")) << "\n";
  return Exit::ok;
}

}  // namespace

Result<Exit> explain(Client& client, const std::vector<std::string>& subject, Console& console) {
  // "job 12", or as one word "job/12".
  std::string noun = subject.front(), id = subject.size() > 1 ? subject[1] : "";
  const std::size_t slash = noun.find('/');
  if (subject.size() == 1 && slash != std::string::npos) {
    id = noun.substr(slash + 1);
    noun.resize(slash);
  }
  for (const Noun& known : kNouns) {
    if (noun != known.name || id.empty()) continue;
    if (known.name == "worker") id = std::to_string(TRY(find_worker(client, id)));
    return say(TRY(client.get(std::string(known.path) + path_segment(id) + "/explain")), console);
  }
  if (subject.size() == 1 && std::isdigit(static_cast<unsigned char>(subject.front()[0]))) {
    return say(TRY(client.get(TRY(find_path(client, subject.front())) + "/explain")), console);
  }
  return Error{Errc::invalid,
               "what is to be explained? Write it as batch 2, sheet 3, job 12, worker gpu-7 "
               "or 2/knight/back"};
}

}  // namespace pirouette::ctl
