// `pirouette cancel | pause | resume | priority | approve | reject | choose | reroll`: one request
// each, about a batch, a sheet or a pose.

#include <nlohmann/json.hpp>

#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"
#include "coordinator/ctl/subject.h"
#include "coordinator/ctl/user.h"

namespace pirouette::ctl {
namespace {

using Kind = Subject::Kind;

Result<Json> ask(Client& client, const Subject& subject, const std::string& change, Json body) {
  if (const std::string user = find_user(); !user.empty()) body["by"] = user;
  return client.post(subject.path() + "/" + change, body.dump());
}

Exit say(const Json& answer, const std::string& text, Console& console) {
  console.out << (console.json ? answer.dump() : text) << "\n";
  return Exit::ok;
}

Error not_about(const std::string& command, const Subject& subject, const std::string& takes) {
  return {Errc::invalid,
          command + " takes " + takes + ", and this is " + subject.text() + "; see --help"};
}

}  // namespace

Result<Exit> cancel(Client& client, const std::string& what, Console& console) {
  const Subject subject = TRY(find_subject(client, what, Kind::batch));
  if (subject.kind == Kind::pose) return not_about("cancel", subject, "a batch or a sheet");
  const Json answer = TRY(ask(client, subject, "cancel", Json::object()));
  return say(answer, subject.text() + " is cancelled; what was rendered stays and can be fetched",
             console);
}

Result<Exit> pause(Client& client, const std::string& what, bool paused, Console& console) {
  const Subject subject = TRY(find_subject(client, what, Kind::batch));
  const std::string change = paused ? "pause" : "resume";
  if (subject.kind != Kind::batch) return not_about(change, subject, "a batch");
  const Json answer = TRY(ask(client, subject, change, Json::object()));
  return say(answer,
             paused ? subject.text() +
                          " is paused: what is being rendered is finished, nothing new "
                          "is begun"
                    : subject.text() + " goes on",
             console);
}

Result<Exit> set_priority(Client& client, const std::string& what, int priority, Console& console) {
  const Subject subject = TRY(find_subject(client, what, Kind::batch));
  if (subject.kind != Kind::batch) return not_about("priority", subject, "a batch");
  const Json answer = TRY(ask(client, subject, "priority", {{"priority", priority}}));
  return say(answer, subject.text() + " has priority " + std::to_string(priority) + " now",
             console);
}

Result<Exit> review(Client& client, const std::vector<std::string>& what, bool approved,
                    const std::string& note, Console& console) {
  const std::string change = approved ? "approve" : "reject";
  for (const std::string& one : what) {
    const Subject subject = TRY(find_subject(client, one, Kind::pose));
    if (subject.kind == Kind::batch) return not_about(change, subject, "poses and sheets");
    Json body = Json::object();
    if (!note.empty()) body["note"] = note;
    auto answer = ask(client, subject, change, std::move(body));
    if (!answer.ok()) return std::move(answer).error().with(one);
    say(answer.value(), subject.text() + (approved ? " is approved" : " is rejected"), console);
  }
  return Exit::ok;
}

Result<Exit> choose(Client& client, const std::string& what, int take, Console& console) {
  const Subject subject = TRY(find_subject(client, what, Kind::pose));
  if (subject.kind != Kind::pose) return not_about("choose", subject, "a pose");
  const Json answer = TRY(ask(client, subject, "choose", {{"take", take}}));
  return say(
      answer,
      subject.text() + " shows take " + std::to_string(take) + "; its sheet is put together again",
      console);
}

Result<Exit> reroll(Client& client, const RerollOptions& options, Console& console) {
  for (const std::string& one : options.poses) {
    const Subject subject = TRY(find_subject(client, one, Kind::pose));
    if (subject.kind != Kind::pose) return not_about("reroll", subject, "poses");
    Json body = Json::object();
    if (options.seed) body["seed"] = *options.seed;
    if (options.note) body["note"] = *options.note;
    auto answer = ask(client, subject, "reroll", std::move(body));
    if (!answer.ok()) return std::move(answer).error().with(one);
    say(answer.value(),
        subject.text() + " gets take " + std::to_string(number_of(answer.value(), "take")) +
            " (job " + std::to_string(number_of(answer.value(), "job")) +
            "); until it is there, its sheet shows the one before",
        console);
  }
  return Exit::ok;
}

}  // namespace pirouette::ctl
