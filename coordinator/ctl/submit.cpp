// `pirouette submit`: what a studio has becomes a batch.

#include <nlohmann/json.hpp>
#include <random>

#include "common/clock.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/deadline.h"
#include "coordinator/ctl/dry_run.h"
#include "coordinator/ctl/format.h"
#include "coordinator/ctl/registered.h"
#include "coordinator/ctl/submission.h"
#include "coordinator/ctl/upload.h"

namespace pirouette::ctl {
namespace {

// 128 random bits: no two submissions of the world share one.
std::string make_key() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::random_device random;
  std::string key;
  for (int word = 0; word < 4; ++word) {
    std::uint32_t bits = random();
    for (int digit = 0; digit < 8; ++digit, bits >>= 4) key += kDigits[bits & 0xFu];
  }
  return key;
}

void say_submitted(const Client::Submitted& submitted, const BatchSpec& batch, Instant now,
                   Console& console) {
  const Json& answer = submitted.answer;
  const std::string id = std::to_string(number_of(answer, "batch"));
  console.out << "batch " << id
              << (submitted.is_new ? " submitted: " : " was submitted with this key before: ")
              << count_of(number_of(answer, "sheets"), "sheet") << ", "
              << count_of(number_of(answer, "jobs"), "job") << "\n";
  if (batch.deadline && submitted.is_new) {
    console.out << "  ready by:     " << describe_deadline(*batch.deadline, now) << "\n";
  }
  console.out << "  watch it:     pirouette watch " << id << "\n"
              << "  take it home: pirouette fetch " << id << "\n";
}

// The batch is in whatever comes of this, so that it cannot be asked about now is no failure.
void warn_of_waiting(Client& client, const Json& answer, Console& console) {
  const auto batch = client.get("/batches/" + std::to_string(number_of(answer, "batch")));
  const std::string waiting = batch.ok() ? waiting_line(batch.value()) : "";
  if (!waiting.empty()) console.err << "pirouette: " << waiting << "\n";
}

}  // namespace

Result<Exit> submit(Client& client, const SubmitOptions& options, Console& console) {
  const Instant now = wall_clock_now();
  Submission submission = TRY(read_submission(options, now));
  const Recipe& recipe = submission.batch.recipe;
  const Registered registered = find_registered(client, recipe);
  const auto warnings = find_missing_triggers(recipe, registered.triggers);
  for (const std::string& warning : warnings) {
    console.err << "pirouette: " << printable(warning) << "\n";
  }
  if (options.dry_run) {
    dry_run(client, submission.batch, registered.pinned, warnings, now, console);
    return Exit::ok;
  }
  submission.uncropped = options.uncropped;
  TRY(upload(client, submission, console));
  const std::string key = options.key.empty() ? make_key() : options.key;
  const auto submitted = TRY(client.submit_batch(to_json(submission.batch), key));
  if (console.json) {
    console.out << submitted.answer.dump() << std::endl;
  } else {
    say_submitted(submitted, submission.batch, now, console);
  }
  if (options.wait) return watch(client, number_of(submitted.answer, "batch"), console);
  warn_of_waiting(client, submitted.answer, console);
  return Exit::ok;
}

}  // namespace pirouette::ctl
