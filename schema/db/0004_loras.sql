-- LoRAs that travel: registered under a name, fetched by workers as blobs.

-- One registration of bytes under a name. It is retired when other bytes take the name or nobody is
-- to use it any more; batches that were submitted with it keep it.
CREATE TABLE lora (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  bytes INTEGER NOT NULL,
  trigger_words TEXT NOT NULL,       -- "" where it has none
  added_at INTEGER NOT NULL,
  added_by TEXT NOT NULL,
  retired_at INTEGER
) STRICT;
CREATE UNIQUE INDEX lora_name ON lora (name) WHERE retired_at IS NULL;

-- What a worker has room for.
ALTER TABLE worker ADD COLUMN lora_cache_bytes INTEGER NOT NULL DEFAULT 0;
