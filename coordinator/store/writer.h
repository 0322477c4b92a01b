#pragma once
// Whole rows into their tables, through statements prepared once. A row that is there gets the
// columns that can change; one that is not is inserted. Must be used inside a transaction.
// Throws SQLite::Exception; after that the transaction is to be rolled back.

#include <SQLiteCpp/SQLiteCpp.h>

#include "coordinator/core/effect.h"

namespace pirouette::store {

class Writer {
 public:
  explicit Writer(SQLite::Database& database);

  void put(const core::Write& write);

  // Remembers that no lease up to this one may be given again.
  void raise_fence(LeaseId lease);

 private:
  void put_row(const core::PutBatch& put);
  void put_row(const core::PutSheet& put);
  void put_row(const core::PutPose& put);
  void put_row(const core::PutJob& put);
  void put_row(const core::PutLease& put);
  void put_row(const core::PutWorker& put);
  void put_row(const core::PutLora& put);
  void put_row(const core::AppendEvent& append);

  struct Table {  // the two statements of one table
    Table(SQLite::Database& database, std::string_view name, std::string_view columns,
          std::string_view changing);
    SQLite::Statement update, insert;
  };
  Table batch_, sheet_, pose_, job_, worker_, lora_;
  SQLite::Statement put_lease_, keep_version_, append_event_, raise_fence_;
};

}  // namespace pirouette::store
