#include "coordinator/store/migrate.h"

#include <string>
#include <vector>

#include "common/hash.h"

namespace pirouette::store {
namespace {

struct Applied {
  std::string name, sha256;
};

std::vector<Applied> read_applied(SQLite::Database& database) {
  std::vector<Applied> applied;
  SQLite::Statement rows(database, "SELECT name, sha256 FROM migration ORDER BY name");
  while (rows.executeStep()) {
    applied.push_back({rows.getColumn(0).getString(), rows.getColumn(1).getString()});
  }
  return applied;
}

Result<void> check_applied(std::span<const Applied> applied,
                           std::span<const Migration> migrations) {
  for (std::size_t i = 0; i < applied.size(); ++i) {
    if (i >= migrations.size() || applied[i].name != migrations[i].first) {
      return Error{Errc::conflict,
                   "the database has the change " + applied[i].name +
                       ", which this program does not know: a newer one made it; start that one, "
                       "or restore a backup from before it"};
    }
    if (applied[i].sha256 != to_hex(sha256(migrations[i].second))) {
      return Error{Errc::conflict, "the database was made by another text of " + applied[i].name +
                                       " than this program's; start the program that made it"};
    }
  }
  return {};
}

}  // namespace

Result<void> migrate(SQLite::Database& database, std::span<const Migration> migrations) {
  if (!database.tableExists("migration")) {
    if (database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() > 0) {
      return Error{Errc::conflict,
                   "this SQLite file holds the tables of another program; name another file"};
    }
    database.exec("CREATE TABLE migration (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL) STRICT");
  }
  const std::vector<Applied> applied = read_applied(database);
  TRY(check_applied(applied, migrations));
  for (const auto& [name, text] : migrations.subspan(applied.size())) {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    database.exec(std::string(text));
    SQLite::Statement remember(database, "INSERT INTO migration (name, sha256) VALUES (?, ?)");
    remember.bind(1, std::string(name));
    remember.bind(2, to_hex(sha256(text)));
    remember.exec();
    transaction.commit();
  }
  return {};
}

}  // namespace pirouette::store
