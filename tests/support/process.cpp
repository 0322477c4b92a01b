#include "tests/support/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include "common/result.h"

namespace pirouette::testing {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void redirect(const std::filesystem::path& path, int target) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd < 0 || ::dup2(fd, target) < 0) ::_exit(126);
}

}  // namespace

Process::Process(const std::vector<std::string>& argv, std::filesystem::path out,
                 std::filesystem::path err)
    : out_(std::move(out)), err_(std::move(err)) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_ = ::fork();
  PIROUETTE_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a killed test program leaves no farm running
    redirect(out_, STDOUT_FILENO);
    redirect(err_, STDERR_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
}

Process::~Process() { kill9(); }

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      exit_code_(other.exit_code_),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)) {}

Process& Process::operator=(Process&& other) noexcept {
  kill9();
  pid_ = std::exchange(other.pid_, -1);
  exit_code_ = other.exit_code_;
  out_ = std::move(other.out_);
  err_ = std::move(other.err_);
  return *this;
}

bool Process::running() { return !wait_for(std::chrono::milliseconds(0)).has_value(); }

void Process::signal(int number) {
  if (pid_ > 0 && running()) ::kill(pid_, number);
}

void Process::kill9() {
  signal(SIGKILL);
  if (pid_ > 0) wait_for(std::chrono::seconds(10));
}

std::optional<int> Process::wait_for(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!exit_code_ && pid_ > 0) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      break;
    }
    if (std::chrono::steady_clock::now() >= until) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return exit_code_;
}

double Process::memory_mib(const std::string& which) const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(which + ":")) return std::stod(line.substr(which.size() + 1)) / 1024;
  }
  return 0;
}

std::string Process::out() const { return read_text(out_); }
std::string Process::err() const { return read_text(err_); }

Finished run(const std::vector<std::string>& argv, const std::filesystem::path& folder,
             std::chrono::milliseconds limit) {
  static std::atomic<int> counter{0};
  const std::string stem = "run" + std::to_string(counter++);
  Process process(argv, folder / (stem + ".out"), folder / (stem + ".err"));
  Finished finished;
  finished.exit_code = process.wait_for(limit).value_or(-1);
  finished.out = process.out();
  finished.err = process.err();
  return finished;
}

}  // namespace pirouette::testing
