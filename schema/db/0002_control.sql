-- What people change about work that is there: pauses, priorities, reviews, takes.

ALTER TABLE batch ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batch ADD COLUMN jobs_cancelled INTEGER NOT NULL DEFAULT 0;
-- The submitter's word for a submission, and the SHA-256 of what came under it.
ALTER TABLE batch ADD COLUMN submission_key TEXT NOT NULL DEFAULT '';
ALTER TABLE batch ADD COLUMN submission BLOB;
UPDATE batch SET jobs_cancelled = jobs - jobs_done - jobs_failed WHERE state = 2;

-- A column stands to the left of each comparison: SQLite turns them so, and must find them alike.
DROP INDEX batch_unsettled;
CREATE INDEX batch_unsettled ON batch (id)
  WHERE state = 0 OR sheets_open > 0 OR (state = 1 AND jobs > jobs_done + jobs_cancelled);
CREATE INDEX batch_submission ON batch (id) WHERE submission_key <> '';

ALTER TABLE sheet ADD COLUMN original BLOB;
ALTER TABLE sheet ADD COLUMN priority INTEGER;

ALTER TABLE pose ADD COLUMN review_note TEXT NOT NULL DEFAULT '';

-- Every picture that a sheet was ever put together to. Written with the sheet's row, never changed.
CREATE TABLE sheet_version (
  sheet INTEGER NOT NULL REFERENCES sheet (id),
  version INTEGER NOT NULL,
  picture BLOB NOT NULL,
  thumbnail BLOB,
  checks TEXT NOT NULL,
  PRIMARY KEY (sheet, version)
) STRICT, WITHOUT ROWID;
INSERT INTO sheet_version (sheet, version, picture, thumbnail, checks)
  SELECT id, version, picture, thumbnail, checks FROM sheet WHERE picture IS NOT NULL;
