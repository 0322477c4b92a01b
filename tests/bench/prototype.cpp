#include "tests/bench/prototype.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "tests/bench/measure.h"

namespace pirouette::bench {
namespace {

constexpr int kPayloadBytes = 1024, kResultBytes = 200;
constexpr int kChangesMax = 300;  // of a commit

using Number = std::uint64_t;  // of a job; 0 in a hello and when there are no more

struct CurveKeys {
  std::array<char, 41> open{}, secret{};
  CurveKeys() { PIROUETTE_CHECK(zmq_curve_keypair(open.data(), secret.data()) == 0); }
};

Number number_in(const zmq::message_t& message) {
  Number number = 0;
  PIROUETTE_CHECK(message.size() >= sizeof number);
  std::memcpy(&number, message.data(), sizeof number);
  return number;
}

zmq::message_t numbered(Number number, std::string_view bytes) {
  zmq::message_t message(sizeof number + bytes.size());
  std::memcpy(message.data(), &number, sizeof number);
  std::memcpy(message.data<char>() + sizeof number, bytes.data(), bytes.size());
  return message;
}

// Gets jobs and answers each with a result at once, until it is told that there are none.
void work(const PrototypeConfig& config, const std::string& endpoint, const CurveKeys& server) {
  const CurveKeys own;
  zmq::context_t context;
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  if (!config.plain) {
    dealer.set(zmq::sockopt::curve_serverkey, server.open.data());
    dealer.set(zmq::sockopt::curve_publickey, own.open.data());
    dealer.set(zmq::sockopt::curve_secretkey, own.secret.data());
  }
  dealer.connect(endpoint);
  dealer.send(numbered(0, ""), zmq::send_flags::none);
  const std::string result(kResultBytes, 'r');
  zmq::message_t job;
  while (dealer.recv(job) && number_in(job) != 0) {
    dealer.send(numbered(number_in(job), result), zmq::send_flags::none);
  }
}

SQLite::Database make_database(const std::filesystem::path& path, Number jobs) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  database.exec(
      "CREATE TABLE job (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, worker BLOB, "
      "payload BLOB NOT NULL, result BLOB) STRICT");
  SQLite::Transaction transaction(database);
  SQLite::Statement insert(database, "INSERT INTO job (id, state, payload) VALUES (?, 0, ?)");
  const std::string payload(kPayloadBytes, 'x');
  for (Number job = 1; job <= jobs; ++job) {
    insert.bind(1, static_cast<std::int64_t>(job));
    insert.bindNoCopy(2, payload.data(), kPayloadBytes);
    insert.exec();
    insert.reset();
  }
  transaction.commit();
  return database;
}

class Coordinator {
 public:
  Coordinator(const PrototypeConfig& config, const std::filesystem::path& folder,
              const CurveKeys& keys)
      : config_(config),
        router_(context_, zmq::socket_type::router),
        database_(make_database(folder / "prototype.db", config.jobs)) {
    if (!config.plain) {
      router_.set(zmq::sockopt::curve_server, true);
      router_.set(zmq::sockopt::curve_secretkey, keys.secret.data());
    }
    router_.bind("tcp://127.0.0.1:*");
  }

  std::string endpoint() const { return router_.get(zmq::sockopt::last_endpoint); }

  void meet_workers() {
    zmq::message_t hello;
    while (workers_.size() < config_.workers) {
      zmq::message_t routing;
      PIROUETTE_CHECK(router_.recv(routing) && router_.recv(hello));
      workers_.push_back(std::move(routing));
    }
  }

  // Returns how many commits it took.
  std::uint64_t drain() {
    begin();
    for (std::uint32_t i = 0; i < config_.window; ++i) {
      for (const zmq::message_t& worker : workers_) lease(worker);
    }
    std::uint64_t commits = 0;
    for (bool open = true; open; ++commits) {
      database_.exec("COMMIT");
      for (auto& [routing, order] : outgoing_) {
        router_.send(routing, zmq::send_flags::sndmore);
        router_.send(order, zmq::send_flags::none);
      }
      outgoing_.clear();
      open = done_ < config_.jobs;
      if (open) take_results();
    }
    return commits;
  }

  void dismiss_workers() {
    for (zmq::message_t& worker : workers_) {
      router_.send(worker, zmq::send_flags::sndmore);
      router_.send(numbered(0, ""), zmq::send_flags::none);
    }
  }

 private:
  void begin() { database_.exec("BEGIN IMMEDIATE"); }

  // Waits for the first, takes what else is there.
  void take_results() {
    begin();
    zmq::message_t routing, body;
    auto wait = zmq::recv_flags::none;
    for (int changes = 0; changes < kChangesMax && router_.recv(routing, wait); changes += 2) {
      PIROUETTE_CHECK(router_.recv(body).has_value());
      wait = zmq::recv_flags::dontwait;
      finish_.bindNoCopy(1, body.data<char>() + sizeof(Number), kResultBytes);
      finish_.bind(2, static_cast<std::int64_t>(number_in(body)));
      PIROUETTE_CHECK(finish_.exec() == 1);
      finish_.reset();
      ++done_;
      lease(routing);
    }
  }

  void lease(const zmq::message_t& worker) {
    if (next_ > config_.jobs) return;
    lease_.bindNoCopy(1, worker.data(), static_cast<int>(worker.size()));
    lease_.bind(2, static_cast<std::int64_t>(next_));
    PIROUETTE_CHECK(lease_.executeStep());
    const SQLite::Column payload = lease_.getColumn(0);
    outgoing_.emplace_back(
        zmq::message_t(worker.data(), worker.size()),
        numbered(next_++, {static_cast<const char*>(payload.getBlob()), kPayloadBytes}));
    lease_.reset();
  }

  const PrototypeConfig& config_;
  zmq::context_t context_;
  zmq::socket_t router_;
  SQLite::Database database_;
  SQLite::Statement lease_{database_,
                           "UPDATE job SET state = 1, worker = ? WHERE id = ? RETURNING payload"};
  SQLite::Statement finish_{database_, "UPDATE job SET state = 2, result = ? WHERE id = ?"};
  std::vector<zmq::message_t> workers_;  // by what the socket calls them
  std::vector<std::pair<zmq::message_t, zmq::message_t>> outgoing_;  // to whom, what
  Number next_ = 1, done_ = 0;
};

}  // namespace

PrototypeDrained drain_prototype(const PrototypeConfig& config) {
  const Scratch scratch(config.folder);
  const CurveKeys keys;
  Coordinator coordinator(config, scratch.path(), keys);
  const std::string endpoint = coordinator.endpoint();
  std::vector<std::thread> workers;
  for (std::uint32_t i = 0; i < config.workers; ++i) {
    workers.emplace_back([&] { work(config, endpoint, keys); });
  }
  coordinator.meet_workers();
  const Stopwatch watch;
  const double processor = processor_seconds();
  const std::uint64_t commits = coordinator.drain();
  const double seconds = watch.seconds();
  const double processor_used = processor_seconds() - processor;
  coordinator.dismiss_workers();
  for (std::thread& worker : workers) worker.join();
  const auto jobs = static_cast<double>(config.jobs);
  return {jobs / seconds, processor_used / jobs * 1e6, commits};
}

}  // namespace pirouette::bench
