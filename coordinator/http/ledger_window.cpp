#include "coordinator/http/ledger_window.h"

#include <algorithm>
#include <iterator>

#include "coordinator/http/limits.h"
#include "coordinator/http/stream_text.h"

namespace pirouette::http {
namespace {

// Rows of one read: short transactions keep the write-ahead log short.
constexpr std::size_t kRowsAtOnce = 200;

}  // namespace

Result<LedgerWindow::Piece> LedgerWindow::after(EventId row, EventId last) {
  TRY(reach(row, last));
  const auto made = pieces_.find(row);
  if (made != pieces_.end()) return made->second;
  std::string text;
  Piece piece{nullptr, row};
  auto next = std::ranges::upper_bound(rows_, row, {}, &Row::id);
  for (; next != rows_.end() && text.size() < kStreamPieceBytes; ++next) {
    text += next->text;
    piece.newest = next->id;
  }
  if (!text.empty()) piece.chunk = std::make_shared<const std::string>(as_chunk(text));
  pieces_[row] = piece;
  return piece;
}

Result<void> LedgerWindow::reach(EventId after, EventId last) {
  if (end_.value + kStreamBehindMax < last.value || rows_.empty()) {
    rows_.clear();
    pieces_.clear();
    begin_ = end_ = after;
  }
  if (end_ < last) TRY(read_newer(last));
  if (after < begin_) TRY(read_older(after));
  while (!rows_.empty() && rows_.front().id.value + kStreamBehindMax <= last.value) {
    begin_ = rows_.front().id;
    rows_.pop_front();
  }
  return {};
}

Result<void> LedgerWindow::read_newer(EventId to) {
  pieces_.clear();
  while (end_ < to) {
    const auto rows = TRY(read_(end_, kRowsAtOnce));
    rows_read_ += rows.size();
    if (rows.empty()) break;
    for (const core::LedgerRow& row : rows) {
      if (row.id > to) return {};  // committed, and not published yet
      rows_.push_back({row.id, ledger_event(row)});
      end_ = row.id;
    }
  }
  return {};
}

Result<void> LedgerWindow::read_older(EventId from) {
  pieces_.clear();
  std::vector<Row> older;
  for (EventId at = from; at < begin_;) {
    const std::size_t wanted = std::min<std::uint64_t>(kRowsAtOnce, begin_.value - at.value);
    const auto rows = TRY(read_(at, wanted));
    if (rows.empty()) break;
    rows_read_ += rows.size();
    for (const core::LedgerRow& row : rows) {
      if (row.id <= begin_) older.push_back({row.id, ledger_event(row)});
    }
    at = rows.back().id;
  }
  rows_.insert(rows_.begin(), std::make_move_iterator(older.begin()),
               std::make_move_iterator(older.end()));
  begin_ = from;
  return {};
}

}  // namespace pirouette::http
