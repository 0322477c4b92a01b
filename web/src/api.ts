// The coordinator's API v1 as the page sees it: the types of its answers, and one way to ask.
// Described in schema/openapi.yaml. Nothing here keeps state.

export type BatchState = "running" | "finished" | "cancelled";
export type SheetState = "rendering" | "ready" | "incomplete" | "approved" | "cancelled";
export type JobState = "held" | "queued" | "leased" | "done" | "failed" | "cancelled";
export type Review = "unreviewed" | "approved" | "rejected";
export type WorkerState = "online" | "draining" | "lost" | "gone";

export interface Batch {
  id: number;
  name: string;
  owner: string;
  priority: number;
  deadline: string | null;
  state: BatchState;
  paused: boolean;
  submitted_at: string;
  finished_at: string | null;
  sheets: number;
  sheets_open: number;
  jobs: number;
  jobs_done: number;
  jobs_failed: number;
  jobs_cancelled: number;
  jobs_running: number;
  seconds_left: number | null;
  ready_p50: string | null; // as likely as not; null while nobody can say
  ready_p90: string | null; // in nine nights of ten
  late_by_seconds: number | null; // how far ready_p90 lies behind the deadline
  waiting_for: string | null; // why nothing is rendered just now
  recipe?: Recipe; // only when asked for one batch
}

// What the page shows of a recipe; common/job/recipe.h has the whole of it.
export interface Recipe {
  model: string;
  loras: { name: string; scale: number }[];
  width: number;
  height: number;
  steps: number;
}

export interface Progress {
  step: number;
  of: number;
}

export interface Pose {
  id: number;
  view: number;
  view_id: string;
  view_name: string;
  azimuth: number;
  review: Review;
  review_note: string | null;
  take: number;
  chosen_job: number | null;
  state: JobState;
  progress: Progress | null;
  worker: string | null;
  picture: string | null;
  error: string | null;
  attempts: number;
  job: number; // the newest take
  // only when asked for one sheet
  prompt?: string;
  seed?: string;
}

export interface Sheet {
  id: number;
  batch: number;
  index: number;
  character: string;
  notes: string;
  state: SheetState;
  version: number;
  reference: string;
  picture: string | null;
  thumbnail: string | null;
  checks: Check[];
  poses: Pose[];
  // only when asked for one sheet
  versions?: { version: number; picture: string; thumbnail: string | null }[];
}

// What assembly noticed; coordinator/assembly/checks.h names the flags.
export interface Check {
  view: string;
  flag: string;
  detail: string;
}

export interface Lease {
  job: number;
  batch: number;
  sheet: number;
  character: string;
  view_id: string;
  step: number | null;
  of: number | null;
  leased_at: string;
}

export interface ResidentLora {
  name?: string;
  scale?: number;
}

export interface Residency {
  model?: string | null;
  loras?: (string | ResidentLora)[];
  models?: { name?: string; mode?: string; variants?: ResidentLora[][]; text_encoders?: boolean }[];
  memory?: { budget_bytes?: number; held_bytes?: number };
  cached?: { prompts?: number; references?: number };
  counters?: { [name: string]: number };
}

export interface Worker {
  id: number;
  name: string;
  state: WorkerState;
  device_kind: string;
  device_name: string;
  memory_bytes: number;
  engine_build: string;
  capacity: number;
  models: string[];
  loras: string[];
  tags: string[];
  quarantine: string | null; // why it gets no work before it has proven itself
  residency: Residency | null;
  joined_at: string;
  heard_at: string;
  jobs_done: number;
  jobs_failed: number;
  leases: Lease[];
}

export interface Health {
  version: string;
  queued: number;
  running: number;
  workers_online: number;
  stopped: string | null; // why no work is given out at all
}

export interface Explanation {
  state: string;
  sentence: string;
}

export interface Page<T> {
  items: T[];
  next: string | number | null;
}

// A row of the ledger, as the event stream tells it.
export interface LedgerRow {
  id: number;
  at: string;
  kind: string;
  batch: number | null;
  sheet: number | null;
  pose: number | null;
  job: number | null;
  worker: number | null;
  detail: unknown;
}

export interface ProgressRow extends Progress {
  batch: number;
  sheet: number;
  pose: number;
  job: number;
  worker: number;
}

// What went wrong, in words for people. `silent` is set when nobody answered: then the banner
// speaks, and the page keeps what it had.
export class ApiError extends Error {
  constructor(
    message: string,
    readonly silent: boolean,
    readonly status: number,
  ) {
    super(message);
  }
}

const kBase = "/api/v1";

// Seeds have up to 63 bits and JavaScript's numbers 53, so they are read as text. A quotation mark
// inside a JSON string is written \", which this pattern cannot match.
const kSeed = /("seed":\s*)(\d+)/g;

export const get = <T>(path: string): Promise<T> =>
  ask(path, { headers: { Accept: "application/json" } });

// A change that somebody wants: it is made, durably, when this returns.
export const post = (path: string, body: object = {}): Promise<object> =>
  ask(path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

async function ask<T>(path: string, request: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(kBase + path, request);
  } catch {
    throw new ApiError("The coordinator does not answer.", true, 0);
  }
  const body = await response.text();
  if (!response.ok) throw problem(response.status, body);
  try {
    return JSON.parse(body.replace(kSeed, '$1"$2"')) as T;
  } catch {
    throw new ApiError(`The answer to ${path} was cut off.`, true, response.status);
  }
}

// An RFC 9457 problem in words; any other body gives the status alone.
function problem(status: number, body: string): ApiError {
  try {
    const { title, detail } = JSON.parse(body) as { title?: string; detail?: string };
    const words = [title, detail].filter((part) => part).join(": ");
    if (words) return new ApiError(words, false, status);
  } catch {
    // not a problem document
  }
  return new ApiError(`The coordinator answered with status ${status}.`, false, status);
}

export function paged(path: string, limit: number, after: string | number | null): string {
  const cursor = after === null ? "" : `&after=${encodeURIComponent(after)}`;
  return `${path}?limit=${limit}${cursor}`;
}

export const picture_url = (digest: string) => `${kBase}/blobs/${digest}`;
export const thumbnail_url = (digest: string, height: number) =>
  `${kBase}/blobs/${digest}/thumbnail?height=${height}`;
