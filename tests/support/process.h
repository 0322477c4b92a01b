#pragma once
// A program under test. It is ended (SIGKILL, then reaped) when its Process goes, so that a failed
// test leaves nothing behind. Standard output and error go to files.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pirouette::testing {

class Process {
 public:
  // argv[0] is the program's path. Aborts the test program if it cannot be started.
  Process(const std::vector<std::string>& argv, std::filesystem::path out,
          std::filesystem::path err);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number);
  void kill9();  // and reap
  // The exit code (128 + signal if a signal ended it), or nothing if it still runs.
  std::optional<int> wait_for(std::chrono::milliseconds limit);
  // What /proc says of its memory: "VmRSS" just now, "VmHWM" at most so far. 0: it does not say.
  double memory_mib(const std::string& which) const;
  std::string out() const;
  std::string err() const;

 private:
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  std::filesystem::path out_, err_;
};

// Runs to the end and returns what it said.
struct Finished {
  int exit_code = -1;
  std::string out, err;
};
Finished run(const std::vector<std::string>& argv, const std::filesystem::path& folder,
             std::chrono::milliseconds limit = std::chrono::seconds(60));

}  // namespace pirouette::testing
