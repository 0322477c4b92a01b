-- What deciding who gets what needs to know beyond the jobs themselves.

-- It takes only what nobody else can use.
ALTER TABLE batch ADD COLUMN idle_only INTEGER NOT NULL DEFAULT 0;
-- What its jobs took of workers, in microseconds, and when the last of them ended: a start reads
-- from it what each owner had of the farm lately.
ALTER TABLE batch ADD COLUMN rendered_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batch ADD COLUMN rendered_at INTEGER;
-- When it will be ready, as likely as not and in nine nights of ten; NULL while nobody can say.
ALTER TABLE batch ADD COLUMN ready_p50 INTEGER;
ALTER TABLE batch ADD COLUMN ready_p90 INTEGER;
-- It was said that the deadline may not be met.
ALTER TABLE batch ADD COLUMN at_risk INTEGER NOT NULL DEFAULT 0;

-- Of a recipe with a proof: 0 has none, 1 its other views wait for it, 2 passed.
ALTER TABLE sheet ADD COLUMN proof INTEGER NOT NULL DEFAULT 0;

-- JSON array: what its admin calls it.
ALTER TABLE worker ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
-- Why it gets no work before it has proven itself; '' where it may work.
ALTER TABLE worker ADD COLUMN quarantine TEXT NOT NULL DEFAULT '';

-- Whether work is given out at all.
CREATE INDEX event_farm ON event (id) WHERE kind IN ('farm.stopped', 'farm.resumed');
