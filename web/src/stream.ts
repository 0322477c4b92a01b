// The coordinator's event stream, kept open for as long as anyone listens: after a loss it tries
// again by itself and goes on after the last event it saw, so nothing is missed across a restart
// of the coordinator. It runs in the shared worker, or in the page where there is none.

import type { LedgerRow, ProgressRow } from "./api";

export type LiveMessage =
  | { kind: "open" }
  | { kind: "lost" }
  | { kind: "resync" }
  | { kind: "ledger"; row: LedgerRow }
  | { kind: "progress"; row: ProgressRow };

// The coordinator dispatches again within 2 s of a restart; asking at most every 3 s keeps a page
// close behind without knocking on a machine that is down.
const kRetryFirstMs = 300;
const kRetryMaxMs = 3000;

export function open_stream(say: (message: LiveMessage) => void): void {
  let last_event = "";
  let retry_ms = kRetryFirstMs;

  const connect = () => {
    const source = new EventSource("/api/v1/events" + (last_event && `?after=${last_event}`));
    const on = (name: string, read: (text: string) => void) =>
      source.addEventListener(name, (event: MessageEvent<string>) => {
        if (event.lastEventId) last_event = event.lastEventId;
        read(event.data);
      });

    source.onopen = () => {
      retry_ms = kRetryFirstMs;
      say({ kind: "open" });
    };
    // EventSource gives up for good after a 503, so every retry is ours.
    source.onerror = () => {
      source.close();
      say({ kind: "lost" });
      setTimeout(connect, retry_ms);
      retry_ms = Math.min(retry_ms * 2, kRetryMaxMs);
    };
    on("hello", (text) => {
      last_event = String((JSON.parse(text) as { last_event: number }).last_event);
    });
    on("ledger", (text) => say({ kind: "ledger", row: JSON.parse(text) as LedgerRow }));
    on("progress", (text) => say({ kind: "progress", row: JSON.parse(text) as ProgressRow }));
    on("resync", () => say({ kind: "resync" }));
  };
  connect();
}
