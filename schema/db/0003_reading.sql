-- What the API asks for beyond what the farm needs to run. A job's way from queued to done touches
-- only event_job, once.

-- What may hold jobs that wait: the same few batches whatever was rendered before.
CREATE INDEX batch_open ON batch (id) WHERE state = 0 OR sheets_open > 0;

-- Failures are few: they are found among a million jobs without looking at the rest.
CREATE INDEX job_failed ON job (sheet) WHERE state = 4;

-- A character over all batches. A sheet's name never changes, so only submitting pays.
CREATE INDEX sheet_character ON sheet (character);

-- A job's history. Its leases tell when it was leased, so those rows are left out.
CREATE INDEX event_job ON event (job) WHERE job IS NOT NULL AND kind <> 'job.leased';

-- What a worker last said about the work it takes.
CREATE INDEX event_capacity ON event (worker) WHERE kind = 'worker.capacity';

-- Where a batch's history begins.
CREATE INDEX event_batch ON event (batch) WHERE batch IS NOT NULL AND sheet IS NULL;
