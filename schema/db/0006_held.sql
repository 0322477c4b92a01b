-- What waits for a proof, counted a batch. Jobs of recipes without one are never in it, so that they
-- pay nothing.
CREATE INDEX job_held ON job (batch) WHERE state = 0;
