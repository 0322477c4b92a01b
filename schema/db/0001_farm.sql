-- The farm's memory. Rows are the structs of coordinator/core/state.h; states are their numbers;
-- times are microseconds since 1970 (UTC); digests are 32-byte blobs, NULL for none.

CREATE TABLE batch (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  priority INTEGER NOT NULL,
  deadline INTEGER,
  recipe TEXT NOT NULL,              -- canonical JSON, all defaults filled in
  state INTEGER NOT NULL,
  submitted_at INTEGER NOT NULL,
  finished_at INTEGER,
  sheets INTEGER NOT NULL,
  sheets_open INTEGER NOT NULL,
  jobs INTEGER NOT NULL,
  jobs_done INTEGER NOT NULL,
  jobs_failed INTEGER NOT NULL
) STRICT;
-- Start reads only what may still change.
CREATE INDEX batch_unsettled ON batch (id) WHERE state = 0 OR (state = 1 AND jobs_done < jobs);

CREATE TABLE sheet (
  id INTEGER PRIMARY KEY,
  batch INTEGER NOT NULL REFERENCES batch (id),
  position INTEGER NOT NULL,
  character TEXT NOT NULL,
  notes TEXT NOT NULL,
  reference BLOB NOT NULL,
  seed INTEGER,
  state INTEGER NOT NULL,
  first_pose INTEGER NOT NULL,
  poses INTEGER NOT NULL,
  version INTEGER NOT NULL,
  picture BLOB,
  thumbnail BLOB,
  checks TEXT NOT NULL
) STRICT;
CREATE INDEX sheet_batch ON sheet (batch, id);

CREATE TABLE pose (
  id INTEGER PRIMARY KEY,
  sheet INTEGER NOT NULL REFERENCES sheet (id),
  view INTEGER NOT NULL,
  latest INTEGER NOT NULL,
  chosen INTEGER,
  review INTEGER NOT NULL
) STRICT;
CREATE INDEX pose_sheet ON pose (sheet, id);

CREATE TABLE job (
  id INTEGER PRIMARY KEY,
  pose INTEGER NOT NULL,
  sheet INTEGER NOT NULL,
  batch INTEGER NOT NULL,
  take INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  correction TEXT NOT NULL,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  losses INTEGER NOT NULL,
  lease INTEGER,
  worker INTEGER,
  queued_at INTEGER,
  leased_at INTEGER,
  ended_at INTEGER,
  result BLOB,
  metrics TEXT NOT NULL,
  error TEXT NOT NULL
) STRICT;
-- By sheet, and so by batch: sheets come in order, so this index grows at its end.
CREATE INDEX job_sheet ON job (sheet);
-- Small: only what is running just now. The counts a batch need no more than this index.
CREATE INDEX job_leased ON job (batch) WHERE state = 2;

-- Keyed by job first: a start reads the leases of the jobs that are not done, and nothing else.
CREATE TABLE lease (
  job INTEGER NOT NULL,
  id INTEGER NOT NULL,
  worker INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  leased_at INTEGER NOT NULL,
  PRIMARY KEY (job, id)
) STRICT, WITHOUT ROWID;

-- One row: the highest lease number ever given. Leases are not kept by number, and a number given
-- twice would let an old worker speak for a new one.
CREATE TABLE fence (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  lease INTEGER NOT NULL
) STRICT;
INSERT INTO fence (id, lease) VALUES (1, 0);

CREATE TABLE worker (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  state INTEGER NOT NULL,
  device_kind TEXT NOT NULL,
  device_name TEXT NOT NULL,
  memory_bytes INTEGER NOT NULL,
  engine_build TEXT NOT NULL,
  capacity INTEGER NOT NULL,
  models TEXT NOT NULL,              -- JSON array
  loras TEXT NOT NULL,               -- JSON array
  residency TEXT NOT NULL,           -- JSON object, as the worker says it
  joined_at INTEGER NOT NULL,
  heard_at INTEGER NOT NULL,
  jobs_done INTEGER NOT NULL,
  jobs_failed INTEGER NOT NULL
) STRICT;

-- The ledger: append-only; the order of ids is the order of things.
CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  batch INTEGER,
  sheet INTEGER,
  pose INTEGER,
  job INTEGER,
  lease INTEGER,
  worker INTEGER,
  detail TEXT NOT NULL
) STRICT;
