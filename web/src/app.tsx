// The frame around every view: the two places to go, what stops the farm, and the view itself.

import { useEffect, useRef } from "preact/hooks";
import type { Health, LedgerRow } from "./api";
import { useConnection } from "./live";
import { Empty } from "./parts/notice";
import { useResource } from "./resource";
import { to, useRoute, type Route } from "./route";
import { BatchView } from "./views/batch";
import { BatchesView } from "./views/batches";
import { SheetView } from "./views/sheet";
import { WorkersView } from "./views/workers";
import { plural } from "./words";

export function App() {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const place = route.parts[0] ?? "batches";

  // A new view takes the focus, so that the keyboard and a screen reader start at its top.
  useEffect(() => {
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [route.path]);

  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => (event.preventDefault(), main.current?.focus())}
      >
        Skip to the view
      </a>
      <header class="top">
        <a class="brand" href={to.batches} aria-label="Pirouette, all batches">
          <Mark /> Pirouette
        </a>
        <nav aria-label="Views">
          <a href={to.batches} aria-current={place !== "workers" ? "page" : undefined}>
            Batches
          </a>
          <a href={to.workers} aria-current={place === "workers" ? "page" : undefined}>
            Workers
          </a>
        </nav>
        <Farm />
      </header>
      <ConnectionBanner />
      <StoppedBanner />
      <main id="main" ref={main} tabIndex={-1}>
        <View key={route.path} route={route} />
      </main>
    </>
  );
}

function View({ route }: { route: Route }) {
  const [place, id] = route.parts;
  if (!place || (place === "batches" && !id)) return <BatchesView />;
  if (place === "batches" && Number(id)) return <BatchView id={Number(id)} search={route.search} />;
  if (place === "sheets" && Number(id)) return <SheetView id={Number(id)} />;
  if (place === "workers") return <WorkersView />;
  return (
    <Empty title="There is no such view">
      <a href={to.batches}>All batches</a>
    </Empty>
  );
}

const concerns_farm = (row: LedgerRow) => /^(worker|job|batch|farm)\./.test(row.kind);

// How busy the farm is, at the right of every view.
function Farm() {
  const { value: health } = useResource<Health>("/health", concerns_farm, 30_000);
  if (!health) return null;
  const idle = health.workers_online === 0;
  const work = health.queued + health.running;
  return (
    <a class={`farm ${idle && work > 0 ? "bad" : ""}`} href={to.workers}>
      {idle ? "no worker online" : `${plural(health.workers_online, "worker")} online`}
      {work > 0 && <span class="farm-work">, {plural(work, "pose")} to render</span>}
    </a>
  );
}

function ConnectionBanner() {
  const lost = useConnection() === "lost";
  return (
    <div class="banner" role="status" data-lost={lost}>
      {lost && <p>Connection lost. Trying again; what you see is the last that was known.</p>}
    </div>
  );
}

// No work is given out: the one thing that everybody must know of.
function StoppedBanner() {
  const { value: health } = useResource<Health>(
    "/health",
    (row) => row.kind.startsWith("farm."),
    60_000,
  );
  if (!health?.stopped) return null;
  return (
    <p class="stopped" role="alert">
      The farm is stopped: {health.stopped}. Mend that; one job is tried from time to time, and at
      once when any worker is restarted. The first picture sets it going again.
    </p>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <ellipse cx="16" cy="24" rx="11" ry="4" />
      <circle cx="16" cy="7.6" r="3.2" />
      <path d="M16 12c2.9 0 4.4 2.1 3.6 4.6L17.5 24h-3l-2.1-7.4C11.6 14.1 13.1 12 16 12z" />
    </svg>
  );
}
