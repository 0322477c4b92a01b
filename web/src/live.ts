// What this tab knows of the farm as it happens: whether the coordinator is there, the ledger's
// rows for whoever wants to fetch again, and how far each running pose is.

import { useEffect, useState } from "preact/hooks";
import type { LedgerRow, Progress, ProgressRow } from "./api";
import { open_stream, type LiveMessage } from "./stream";

export type Connection = "opening" | "open" | "lost";

// Told of every ledger row, and of null when rows were missed: fetch everything again.
type Listener = (row: LedgerRow | null) => void;

const listeners = new Set<Listener>();
const connection_watchers = new Set<(connection: Connection) => void>();
const progress = new Map<string, Progress>(); // "pose:7", "job:12"
const progress_watchers = new Map<string, Set<() => void>>();
let connection: Connection = "opening";

export function start_live(): void {
  if (typeof SharedWorker === "undefined") {
    open_stream(receive);
    return;
  }
  const worker = new SharedWorker(new URL("./live.worker.ts", import.meta.url), {
    type: "module",
    name: "pirouette",
  });
  worker.port.onmessage = ({ data }: MessageEvent<LiveMessage>) => receive(data);
  worker.port.postMessage("join");
  worker.onerror = () => open_stream(receive); // its script did not load
  addEventListener("pagehide", () => worker.port.postMessage("leave"));
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    worker.port.postMessage("join");
    tell(null);
  });
}

export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useConnection(): Connection {
  const [value, set] = useState(connection);
  useEffect(() => {
    set(connection);
    connection_watchers.add(set);
    return () => {
      connection_watchers.delete(set);
    };
  }, []);
  return value;
}

// The newest progress of a pose or a job that is rendering just now; null when none was heard.
export function useProgress(of: "pose" | "job", id: number): Progress | null {
  const key = `${of}:${id}`;
  const [, redraw] = useState({});
  useEffect(() => {
    const watch = () => redraw({});
    const watchers = progress_watchers.get(key) ?? new Set();
    progress_watchers.set(key, watchers.add(watch));
    return () => {
      watchers.delete(watch);
      if (watchers.size === 0) progress_watchers.delete(key);
    };
  }, [key]);
  return progress.get(key) ?? null;
}

function receive(message: LiveMessage): void {
  switch (message.kind) {
    case "open": {
      const missed = connection === "lost";
      set_connection("open");
      if (missed) tell(null);
      return;
    }
    case "lost":
      return set_connection("lost");
    case "resync":
      return tell(null);
    case "progress":
      return note_progress(message.row);
    case "ledger":
      forget_progress(message.row);
      return tell(message.row);
  }
}

function set_connection(value: Connection): void {
  connection = value;
  for (const watch of connection_watchers) watch(value);
}

function tell(row: LedgerRow | null): void {
  for (const listener of listeners) listener(row);
}

function note_progress(row: ProgressRow): void {
  for (const key of [`pose:${row.pose}`, `job:${row.job}`]) {
    progress.set(key, { step: row.step, of: row.of });
    progress_watchers.get(key)?.forEach((watch) => watch());
  }
}

// Leased, done, failed, queued again: whatever was heard of the job before is over.
function forget_progress(row: LedgerRow): void {
  for (const key of [`pose:${row.pose}`, `job:${row.job}`]) {
    if (progress.delete(key)) progress_watchers.get(key)?.forEach((watch) => watch());
  }
}
