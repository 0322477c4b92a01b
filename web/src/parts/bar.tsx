// A bar of a batch's jobs: done, failed, rendering just now, and the rest.

import { count } from "../words";

interface Counts {
  jobs: number;
  jobs_done: number;
  jobs_failed: number;
  jobs_running: number;
}

export function BatchBar({ counts, label }: { counts: Counts; label: string }) {
  const { jobs, jobs_done, jobs_failed, jobs_running } = counts;
  const width = (n: number) => ({ width: `${jobs ? (100 * n) / jobs : 0}%` });
  return (
    <div
      class="bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={jobs}
      aria-valuenow={jobs_done}
      aria-valuetext={`${count(jobs_done)} of ${count(jobs)} poses done`}
    >
      <span class="good" style={width(jobs_done)} />
      <span class="bad" style={width(jobs_failed)} />
      <span class="busy" style={width(jobs_running)} />
    </div>
  );
}

export function StepBar({ step, of, label }: { step: number; of: number; label: string }) {
  return (
    <div
      class="bar thin"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={of}
      aria-valuenow={step}
    >
      <span class="busy" style={{ width: `${of ? (100 * step) / of : 0}%` }} />
    </div>
  );
}
