#include "coordinator/store/readers.h"

#include <utility>

#include "coordinator/store/connection.h"

namespace pirouette::store {

Reader::Reader(const std::filesystem::path& path) : database_(open_reader(path)) {}

SQLite::Statement& Reader::statement(const std::string& sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    found = statements_.emplace(sql, SQLite::Statement(database_, sql)).first;
  }
  found->second.reset();
  return found->second;
}

void Reader::begin() { database_.exec("BEGIN"); }

void Reader::end() noexcept {
  // A statement that was left in the middle of its rows would keep the snapshot open.
  for (auto& [sql, statement] : statements_) statement.tryReset();
  database_.tryExec("COMMIT");
}

Readers::Borrowed::Borrowed(Readers& pool, std::unique_ptr<Reader> reader)
    : pool_(pool), reader_(std::move(reader)) {}

Readers::Borrowed::~Borrowed() {
  reader_->end();
  pool_.give_back(std::move(reader_));
}

Readers::Borrowed Readers::borrow() {
  std::unique_ptr<Reader> reader = take();
  try {
    if (!reader) reader = std::make_unique<Reader>(path_);
    reader->begin();
  } catch (const SQLite::Exception&) {
    give_back(nullptr);  // a connection that cannot begin is not kept
    throw;
  }
  return {*this, std::move(reader)};
}

// Null: there is room for a new one.
std::unique_ptr<Reader> Readers::take() {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [this] { return !idle_.empty() || open_ < kReadersMax; });
  if (idle_.empty()) return ++open_, nullptr;
  std::unique_ptr<Reader> reader = std::move(idle_.back());
  idle_.pop_back();
  return reader;
}

void Readers::give_back(std::unique_ptr<Reader> reader) {
  {
    const std::lock_guard lock(mutex_);
    if (reader) {
      idle_.push_back(std::move(reader));
    } else {
      --open_;
    }
  }
  returned_.notify_one();
}

}  // namespace pirouette::store
