// The time of day for whoever shows ages and forecasts: one timer for the whole page.

import { useEffect, useState } from "preact/hooks";

const kTickMs = 1000;
const watchers = new Set<(now: number) => void>();
let timer: number | undefined;

export function useNow(): number {
  const [now, set] = useState(Date.now);
  useEffect(() => {
    watchers.add(set);
    timer ??= setInterval(() => watchers.forEach((watch) => watch(Date.now())), kTickMs);
    return () => {
      watchers.delete(set);
      if (watchers.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, []);
  return now;
}
