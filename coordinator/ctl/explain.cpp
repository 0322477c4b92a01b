// `pirouette explain`: why a job waits or failed, what a sheet lacks, why a worker idles.

#include <array>
#include <nlohmann/json.hpp>

#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

struct Noun {
  std::string_view name;
  std::string_view path;
};
constexpr std::array<Noun, 4> kNouns{Noun{"batch", "/batches/"}, Noun{"sheet", "/sheets/"},
                                     Noun{"job", "/jobs/"}, Noun{"worker", "/workers/"}};

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
    const Json told = TRY(client.get(std::string(known.path) + path_segment(id) + "/explain"));
    if (console.json) {
      console.out << told.dump() << "\n";
    } else {
      console.out << text_of(told, "sentence") << "\n";
    }
    return Exit::ok;
  }
  return Error{Errc::invalid,
               "what is to be explained? Write it as batch 2, sheet 3, job 12 or worker gpu-7"};
}

}  // namespace pirouette::ctl
