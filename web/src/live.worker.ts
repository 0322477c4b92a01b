// One event stream for all tabs of a browser: it opens six connections a host and no more, and a
// stream a tab would use them up. Each tab joins with a port and leaves when it is hidden away.

import { open_stream, type LiveMessage } from "./stream";

interface SharedScope {
  onconnect: ((event: MessageEvent) => void) | null;
}

const tabs = new Set<MessagePort>();
let connection: LiveMessage | null = null;

open_stream((message) => {
  if (message.kind === "open" || message.kind === "lost") connection = message;
  for (const tab of tabs) tab.postMessage(message);
});

(self as unknown as SharedScope).onconnect = (event) => {
  const port = event.ports[0];
  if (!port) return;
  port.onmessage = ({ data }: MessageEvent<"join" | "leave">) => {
    if (data === "leave") {
      tabs.delete(port);
      return;
    }
    tabs.add(port);
    if (connection) port.postMessage(connection);
  };
};
