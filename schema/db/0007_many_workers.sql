-- Twenty thousand jobs run at once where there are ten thousand workers: those of one page of
-- workers are found in this index without looking at the others' rows.
DROP INDEX job_leased;
CREATE INDEX job_leased ON job (batch, worker) WHERE state = 2;
