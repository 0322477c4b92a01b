#pragma once
// Brings a database to this program's schema. Each migration runs once, in a transaction of its
// own with the row that remembers it; one that ran is never edited, its text's hash is checked at
// each open.

#include <SQLiteCpp/SQLiteCpp.h>

#include <span>
#include <string_view>
#include <utility>

#include "common/result.h"

namespace pirouette::store {

using Migration = std::pair<std::string_view, std::string_view>;  // file name, text

// conflict: the file belongs to a newer program or to another one, or a migration that it has was
// changed since; nothing is touched then. Throws SQLite::Exception.
Result<void> migrate(SQLite::Database& database, std::span<const Migration> migrations);

}  // namespace pirouette::store
