#pragma once
// The ledger's newest rows as text, read from the database once for all viewers: those who are at
// the same place get the very same bytes. Holds at most kStreamBehindMax rows, since whoever is
// farther behind is told to fetch everything again. Belongs to the stream hub's thread.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "coordinator/core/state.h"

namespace pirouette::http {

class LedgerWindow {
 public:
  // As store::ReadModel::events: rows after that one, oldest first.
  using Read =
      std::function<Result<std::vector<core::LedgerRow>>(EventId after, std::size_t limit)>;
  explicit LedgerWindow(Read read) : read_(std::move(read)) {}

  struct Piece {
    std::shared_ptr<const std::string> chunk;  // null: there are no rows
    EventId newest;                            // the last of them
  };
  // What comes after that row, at most about kStreamPieceBytes of it. last: the newest row there
  // is, at most kStreamBehindMax later.
  Result<Piece> after(EventId row, EventId last);

  std::uint64_t rows_read() const { return rows_read_; }

 private:
  struct Row {
    EventId id;
    std::string text;
  };
  Result<void> reach(EventId after, EventId last);
  // Reads the rows in (from, to] and puts them at that end.
  Result<void> read_newer(EventId to);
  Result<void> read_older(EventId from);

  const Read read_;
  std::deque<Row> rows_;  // all that there are in (begin_, end_]
  EventId begin_, end_;
  std::map<EventId, Piece> pieces_;  // made since rows_ changed
  std::uint64_t rows_read_ = 0;
};

}  // namespace pirouette::http
