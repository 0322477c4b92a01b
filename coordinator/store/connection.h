#pragma once
// How this program opens a SQLite file: every PRAGMA it relies on is set and read back, because
// SQLite answers an unknown or refused one with silence. Also the wall where exceptions of SQLite
// end and become Errors that say what to do.

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "common/result.h"

namespace pirouette::store {

// A row that our own program cannot have written.
struct CorruptRow : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Read and write, WAL, every commit synced, no checkpoint but by hand. Throws SQLite::Exception.
SQLite::Database open_writer(const std::filesystem::path& path);

// Read only; never checkpoints, not even when it is the last to close. Throws SQLite::Exception.
SQLite::Database open_reader(const std::filesystem::path& path);

Error to_error(const SQLite::Exception& exception);

// Runs body, which returns a Result, and turns what it throws into that Result's Error.
template <typename Body>
auto walled(const std::string& doing, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const SQLite::Exception& exception) {
    return to_error(exception).with(doing);
  } catch (const CorruptRow& exception) {
    return Error{Errc::corrupt, std::string(exception.what()) + "; restore the last backup"}.with(
        doing);
  }
}

}  // namespace pirouette::store
