#pragma once
// Reads back what a coordinator starts from. Only what may still change is read, by indexes: the
// time a start takes goes with the open work, not with all that was ever rendered.

#include <SQLiteCpp/SQLiteCpp.h>

#include "coordinator/core/effect.h"
#include "coordinator/core/state.h"

namespace pirouette::store {

// In one snapshot. Throws SQLite::Exception and CorruptRow.
core::State load_state(SQLite::Database& database);

// One batch, settled or not, with all that belongs to it; empty where there is none.
core::State load_batch(SQLite::Database& database, const core::Recall& wanted);

}  // namespace pirouette::store
