#pragma once
// SQLite writes its log page by page, 24 bytes of frame and then the page: 34 system calls for the
// commit of a lone job. A database that is opened through this gathers what follows each other in
// its log and writes it at once, when SQLite syncs the log or wants to see it.
//
// Only for a connection with synchronous = FULL that is given up after any error. It syncs a commit
// before it tells the other connections of it, and those read the file; a write that failed late
// failed for all that was gathered.

namespace pirouette::store {

// The name to open a database with: SQLite's own file system of just now, but for logs. Throws
// SQLite::Exception.
const char* log_vfs_name();

}  // namespace pirouette::store
