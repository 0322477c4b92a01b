// `pirouette watch`: a batch until it ends. Asks once a second rather than hold a stream open: the
// answer is small, and a coordinator that restarts is asked again.

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

constexpr std::chrono::seconds kAskEvery{1};
// A coordinator is back from a restart in seconds, a machine from a reboot in minutes.
constexpr int kUnreachableMax = 300;
constexpr std::size_t kBarWidth = 30;

Exit exit_of_batch(const Json& batch) {
  const bool whole = text_of(batch, "state") == "finished" && number_of(batch, "jobs_failed") == 0;
  return whole ? Exit::ok : Exit::incomplete;
}

// Says what changed; on a terminal over the line before.
class Display {
 public:
  explicit Display(Console& console) : console_(console) {}

  void show(const Json& batch) {
    const std::string text = console_.json ? batch.dump() : batch_line(batch, kBarWidth);
    say_waiting(batch);
    if (text == shown_) return;
    // A shorter line must cover a longer one.
    const std::size_t cover = shown_.size() > text.size() ? shown_.size() - text.size() : 0;
    if (draws()) {
      console_.out << "\r" << text << std::string(cover, ' ') << std::flush;
    } else {
      console_.out << text << std::endl;
    }
    shown_ = text;
  }

  void end() const {
    if (draws()) console_.out << "\n";
  }

 private:
  // On a line of its own, once: it is longer than what a terminal's line can be drawn over with.
  void say_waiting(const Json& batch) {
    const std::string waiting = waiting_line(batch);
    if (waiting == waiting_) return;
    waiting_ = waiting;
    if (waiting.empty()) return;
    if (draws() && !shown_.empty()) console_.out << std::endl;
    console_.err << waiting << std::endl;
  }

  bool draws() const { return console_.terminal && !console_.json; }

  Console& console_;
  std::string shown_, waiting_;
};

}  // namespace

Result<Exit> watch(Client& client, std::uint64_t batch, Console& console) {
  const std::string path = "/batches/" + std::to_string(batch);
  Display display(console);
  bool reached = false;
  int unreachable = 0;
  while (true) {
    auto shown = client.get(path);
    if (shown.ok()) {
      reached = true;
      unreachable = 0;
      display.show(shown.value());
      if (text_of(shown.value(), "state") != "running") {
        display.end();
        if (!console.json && number_of(shown.value(), "jobs_failed") > 0) {
          say_failures(TRY(client.get_all(path + "/sheets")), console);
        }
        return exit_of_batch(shown.value());
      }
    } else {
      const bool may_come_back =
          shown.error().code == Errc::timeout || shown.error().code == Errc::busy;
      if (!reached || !may_come_back || ++unreachable > kUnreachableMax) {
        return std::move(shown).error();
      }
      if (unreachable == 1) {
        display.end();
        console.err << "pirouette: the coordinator does not answer; trying again for "
                    << format_seconds(kUnreachableMax) << "\n";
      }
    }
    std::this_thread::sleep_for(kAskEvery);
  }
}

}  // namespace pirouette::ctl
