// Numbers and states as a producer would say them. Pure.

import type { Batch, Check, Pose, Sheet } from "./api";

export const count = (n: number) => n.toLocaleString("en");

export const plural = (n: number, one: string, many = one + "s") =>
  `${count(n)} ${n === 1 ? one : many}`;

// "40 s", "12 min", "3 h 20 min", "2 days 4 h"
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} days ${hours % 24} h` : `${days} days`;
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const day = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  day: "numeric",
  month: "short",
});
const kNightMs = 16 * 3_600_000; // within a night's work the hour says enough

// "09:00" within the night, "Tue, 24 Nov, 09:00" beyond it; the reader's own time zone.
export function moment(ms: number, now: number): string {
  const time = clock.format(ms);
  return Math.abs(ms - now) < kNightMs ? time : `${day.format(ms)}, ${time}`;
}

export function ago(ms: number, now: number): string {
  const seconds = (now - ms) / 1000;
  return seconds < 3 ? "just now" : `${duration(seconds)} ago`;
}

export function bytes(n: number): string {
  const gib = n / 2 ** 30;
  if (gib >= 1) return `${gib >= 10 ? Math.round(gib) : gib.toFixed(1)} GiB`;
  return `${Math.round(n / 2 ** 20)} MiB`;
}

export type Tone = "good" | "bad" | "warn" | "busy" | "quiet";

export interface Words {
  text: string;
  tone: Tone;
}

// The producer's first question. `at` is when the coordinator made the estimate.
export function forecast(batch: Batch, at: number, now: number): Words {
  if (batch.state === "cancelled") return { text: "Cancelled", tone: "quiet" };
  if (batch.state === "finished") return finished(batch, now);
  if (batch.paused) return { text: "Paused: nothing new is begun", tone: "warn" };
  if (batch.ready_p50 && batch.ready_p90) return looked_ahead(batch, now);
  if (batch.seconds_left === null) {
    if (batch.jobs_running === 0) return { text: "Waiting for a worker", tone: "quiet" };
    return { text: "Time left is known once the first pose is done", tone: "quiet" };
  }
  const ready_at = Math.max(at + batch.seconds_left * 1000, now);
  const left = `${duration((ready_at - now) / 1000)} left, ready about ${moment(ready_at, now)}`;
  if (!batch.deadline) return { text: left, tone: "quiet" };
  const spare = Date.parse(batch.deadline) - ready_at;
  return spare >= 0
    ? { text: `${left}, ${duration(spare / 1000)} before the deadline`, tone: "good" }
    : { text: `${left}, ${duration(-spare / 1000)} too late`, tone: "bad" };
}

// As the farm's own order will have it: "Ready about 06:40 (by 07:15 in nine nights of ten)".
function looked_ahead(batch: Batch, now: number): Words {
  const about = Math.max(Date.parse(batch.ready_p50 ?? ""), now);
  const by = Math.max(Date.parse(batch.ready_p90 ?? ""), about);
  const ready = `Ready about ${moment(about, now)} (by ${moment(by, now)} in nine nights of ten)`;
  if (!batch.deadline) return { text: ready, tone: "quiet" };
  const spare = Date.parse(batch.deadline) - by;
  return spare >= 0
    ? { text: `${ready}, ${duration(spare / 1000)} before the deadline`, tone: "good" }
    : { text: `Late by ${duration(-spare / 1000)}: ${lower(ready)}`, tone: "bad" };
}

const lower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

function finished(batch: Batch, now: number): Words {
  if (!batch.finished_at) return { text: "Finished", tone: "good" };
  const at = Date.parse(batch.finished_at);
  const took = duration((at - Date.parse(batch.submitted_at)) / 1000);
  const late = batch.deadline ? at - Date.parse(batch.deadline) : 0;
  return late > 0
    ? { text: `Finished ${moment(at, now)}, ${duration(late / 1000)} too late`, tone: "warn" }
    : { text: `Finished ${moment(at, now)}, after ${took}`, tone: "good" };
}

const kStates: { [state: string]: Words } = {
  running: { text: "running", tone: "busy" },
  paused: { text: "paused", tone: "warn" },
  finished: { text: "finished", tone: "good" },
  cancelled: { text: "cancelled", tone: "quiet" },
  rendering: { text: "rendering", tone: "busy" },
  ready: { text: "ready", tone: "good" },
  approved: { text: "approved", tone: "good" },
  incomplete: { text: "incomplete", tone: "bad" },
  held: { text: "held back", tone: "quiet" },
  queued: { text: "waiting", tone: "quiet" },
  leased: { text: "rendering", tone: "busy" },
  done: { text: "done", tone: "good" },
  failed: { text: "failed", tone: "bad" },
  online: { text: "online", tone: "good" },
  draining: { text: "draining", tone: "warn" },
  lost: { text: "lost", tone: "bad" },
  gone: { text: "gone", tone: "quiet" },
  quarantine: { text: "quarantine", tone: "bad" },
};

export const state_words = (state: string): Words =>
  kStates[state] ?? { text: state, tone: "quiet" };

// A sheet's state; one that only waits is not called rendering, nor is one whose views are held
// until its proof is found good.
export function sheet_words(sheet: Sheet): Words {
  const open = sheet.poses.filter(
    (p) => p.state === "held" || p.state === "queued" || p.state === "leased",
  );
  const held = open.length > 0 && open.every((p) => p.state === "held");
  if (sheet.state === "rendering" && held) return { text: "waits for its proof", tone: "warn" };
  const waits =
    sheet.state === "rendering" && sheet.poses.every((p) => p.state === "queued" && !p.picture);
  return state_words(waits ? "queued" : sheet.state);
}

export const is_ready = (sheet: Sheet) => sheet.state === "ready" || sheet.state === "approved";

export const failed_poses = (sheet: Sheet): Pose[] =>
  sheet.poses.filter((pose) => pose.state === "failed");

export const needs_attention = (sheet: Sheet) =>
  sheet.state === "incomplete" || sheet.checks.length > 0 || failed_poses(sheet).length > 0;

export const by_azimuth = (poses: Pose[]): Pose[] =>
  [...poses].sort((a, b) => a.azimuth - b.azimuth || a.view - b.view);

// "q_back_left" -> "three-quarter back left". By id: the names that prompts use are not unique.
export const view_words = (view_id: string) =>
  view_id.replace(/^q_/, "three-quarter ").replaceAll("_", " ");

// What assembly noticed, as a sentence.
export const check_words = (check: Check) => `${view_words(check.view)}: ${check.detail}`;
