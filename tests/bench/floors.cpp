#include "tests/bench/floors.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "tests/bench/measure.h"

namespace pirouette::bench {
namespace {

constexpr int kPages = 1000;                   // of the file that is synced
constexpr int kLonePlaces = 64;                // of the file that is synced now and then
constexpr int kRows = 20'000;                  // of the table that changes
constexpr int kRowBytes = 200;                 // as a job's result is
constexpr int kWindow = 64;                    // round trips under way
constexpr std::int64_t kPrime = 7919;          // spreads the changes over the table
constexpr std::chrono::milliseconds kRest{2};  // an idle machine's, before each time

void echo(zmq::socket_t& router, const std::atomic<bool>& stopping) {
  zmq::message_t routing, body;
  while (!stopping) {
    if (!router.recv(routing)) continue;  // the time is up: look at stopping
    if (!router.recv(body)) continue;
    router.send(routing, zmq::send_flags::sndmore);
    router.send(body, zmq::send_flags::none);
  }
}

int make_file(const Scratch& scratch) {
  const int fd = ::open((scratch.path() / "file").c_str(), O_RDWR | O_CREAT, 0600);
  PIROUETTE_CHECK(fd >= 0);
  return fd;
}

// Sleeps until it is rung.
class Bell {
 public:
  Bell() { PIROUETTE_CHECK(fd_ >= 0); }
  ~Bell() { ::close(fd_); }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  void ring() { PIROUETTE_CHECK(::eventfd_write(fd_, 1) == 0); }
  void wait() {
    eventfd_t count = 0;
    PIROUETTE_CHECK(::eventfd_read(fd_, &count) == 0);
  }

 private:
  int fd_ = ::eventfd(0, EFD_CLOEXEC);
};

}  // namespace

double syncs_per_second(const std::filesystem::path& folder, double seconds_max) {
  const Scratch scratch(folder);
  const int fd = make_file(scratch);
  const std::array<char, 4096> page{};
  int syncs = 0;
  const Stopwatch watch;
  while (watch.seconds() < seconds_max) {
    const off_t at = static_cast<off_t>(page.size()) * (syncs % kPages);
    PIROUETTE_CHECK(::pwrite(fd, page.data(), page.size(), at) == 4096);
    PIROUETTE_CHECK(::fdatasync(fd) == 0);
    ++syncs;
  }
  const double rate = syncs / watch.seconds();
  ::close(fd);
  return rate;
}

std::vector<double> lone_syncs_ms(const std::filesystem::path& folder, int times) {
  const Scratch scratch(folder);
  const int fd = make_file(scratch);
  const std::vector<char> bytes(64 << 10, 'x');
  const auto write_at = [&](int place) {
    const auto size = static_cast<ssize_t>(bytes.size());
    PIROUETTE_CHECK(::pwrite(fd, bytes.data(), bytes.size(), place * size) == size);
  };
  for (int place = 0; place < kLonePlaces; ++place) write_at(place);
  PIROUETTE_CHECK(::fdatasync(fd) == 0);
  std::vector<double> ms;
  for (int time = 0; time < times; ++time) {
    std::this_thread::sleep_for(kRest);
    const Stopwatch watch;
    write_at(time % kLonePlaces);
    PIROUETTE_CHECK(::fdatasync(fd) == 0);
    ms.push_back(watch.seconds() * 1000);
  }
  ::close(fd);
  return ms;
}

double changes_per_second(const std::filesystem::path& folder, int rows, double seconds_max) {
  const Scratch scratch(folder);
  SQLite::Database database(scratch.path() / "floor.db",
                            SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  database.exec("CREATE TABLE row (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT");
  SQLite::Statement put(database, "INSERT OR REPLACE INTO row (id, bytes) VALUES (?, ?)");
  const std::string bytes(kRowBytes, 'x');
  std::int64_t changes = 0;
  const Stopwatch watch;
  while (watch.seconds() < seconds_max) {
    SQLite::Transaction transaction(database);
    for (int i = 0; i < rows; ++i) {
      put.bind(1, changes++ * kPrime % kRows);
      put.bindNoCopy(2, bytes.data(), kRowBytes);
      put.exec();
      put.reset();
    }
    transaction.commit();
  }
  return static_cast<double>(changes) / watch.seconds();
}

std::vector<double> wake_chains_ms(int threads, int times) {
  std::vector<Bell> bells(static_cast<std::size_t>(threads));  // the last is the caller's
  std::vector<std::thread> chain;
  for (std::size_t i = 0; i + 1 < bells.size(); ++i) {
    chain.emplace_back([&, i] {
      for (int time = 0; time < times; ++time) {
        bells[i].wait();
        bells[i + 1].ring();
      }
    });
  }
  std::vector<double> ms;
  for (int time = 0; time < times; ++time) {
    std::this_thread::sleep_for(kRest);
    const Stopwatch watch;
    bells.front().ring();
    bells.back().wait();
    ms.push_back(watch.seconds() * 1000);
  }
  for (std::thread& thread : chain) thread.join();
  return ms;
}

double round_trips_per_second(double seconds_max) {
  zmq::context_t context;
  zmq::socket_t router(context, zmq::socket_type::router);
  router.set(zmq::sockopt::rcvtimeo, 50);
  router.bind("tcp://127.0.0.1:*");
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.connect(router.get(zmq::sockopt::last_endpoint));
  std::atomic<bool> stopping{false};
  std::thread echoing([&] { echo(router, stopping); });

  const std::string bytes(kRowBytes, 'x');
  zmq::message_t answer;
  for (int i = 0; i < kWindow; ++i) dealer.send(zmq::buffer(bytes), zmq::send_flags::none);
  std::int64_t trips = 0;
  const Stopwatch watch;
  while (watch.seconds() < seconds_max) {
    PIROUETTE_CHECK(dealer.recv(answer).has_value());
    dealer.send(zmq::buffer(bytes), zmq::send_flags::none);
    ++trips;
  }
  const double rate = static_cast<double>(trips) / watch.seconds();
  stopping = true;
  echoing.join();
  router.set(zmq::sockopt::linger, 0);
  dealer.set(zmq::sockopt::linger, 0);
  return rate;
}

}  // namespace pirouette::bench
