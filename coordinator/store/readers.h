#pragma once
// A few read-only connections that many threads share. A thread borrows one for one short read
// transaction; with all of them out it waits for the next to come back.

#include <SQLiteCpp/SQLiteCpp.h>

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace pirouette::store {

// One connection and the statements prepared on it.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path);

  // Ready to be bound; valid for as long as the connection is borrowed. Prepared at its first use.
  SQLite::Statement& statement(const std::string& sql);

  void begin();         // all that is read until end() is one snapshot
  void end() noexcept;  // nothing of the database is held after it

 private:
  SQLite::Database database_;
  std::unordered_map<std::string, SQLite::Statement> statements_;
};

class Readers {
 public:
  // As many as can be of use at once: more than the cores only adds caches.
  static constexpr std::size_t kReadersMax = 8;

  explicit Readers(std::filesystem::path path) : path_(std::move(path)) {}

  // A borrowed reader, in a read transaction until it goes back.
  class Borrowed {
   public:
    Borrowed(Readers& pool, std::unique_ptr<Reader> reader);
    ~Borrowed();
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;
    Reader* operator->() const { return reader_.get(); }
    Reader& operator*() const { return *reader_; }

   private:
    Readers& pool_;
    std::unique_ptr<Reader> reader_;
  };
  Borrowed borrow();  // throws SQLite::Exception

 private:
  std::unique_ptr<Reader> take();
  void give_back(std::unique_ptr<Reader> reader);

  const std::filesystem::path path_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Reader>> idle_;
  std::size_t open_ = 0;
};

}  // namespace pirouette::store
