// The machines: who is there, what each holds in memory, what it renders just now.

import type { Lease, LedgerRow, Residency, Worker } from "../api";
import { useNow } from "../clock";
import { useProgress } from "../live";
import { StepBar } from "../parts/bar";
import { Chip } from "../parts/chip";
import { Empty, Pending } from "../parts/notice";
import { Why } from "../parts/why";
import { useList, type Watch } from "../resource";
import { to, useTitle } from "../route";
import { ago, bytes, count, plural, state_words, view_words } from "../words";

const kSilentMs = 30_000; // ten heartbeats of 3 s

const watch: Watch = {
  all: (row) => /^(worker|job)\./.test(row.kind),
  every_ms: 5000, // heartbeats leave no row in the ledger
};

export function WorkersView() {
  const { items, more, loading, error } = useList<Worker>("/workers", watch);
  useTitle("Workers");

  if (!items) return <Pending error={error} />;
  if (items.length === 0) {
    return (
      <Empty title="No workers yet">
        Start one on each GPU: <code>pirouette-worker serve --help</code>
      </Empty>
    );
  }
  const here = items.filter(({ state }) => state !== "gone");
  const gone = items.filter(({ state }) => state === "gone");
  return (
    <>
      <h1>Workers</h1>
      <div class="workers">
        {here.map((worker) => (
          <WorkerCard key={worker.id} worker={worker} />
        ))}
      </div>
      {here.length === 0 && <Empty title="No worker is here just now" />}
      {gone.length > 0 && (
        <details class="gone" open={here.length === 0}>
          <summary>{plural(gone.length, "worker")} said goodbye</summary>
          <div class="workers">
            {gone.map((worker) => (
              <WorkerCard key={worker.id} worker={worker} />
            ))}
          </div>
        </details>
      )}
      {more && (
        <button class="more" onClick={more} disabled={loading}>
          {loading ? "Loading…" : "Load more"}
        </button>
      )}
    </>
  );
}

function WorkerCard({ worker }: { worker: Worker }) {
  const now = useNow();
  const heard = Date.parse(worker.heard_at);
  const silent = worker.state === "online" && now - heard > kSilentMs;
  return (
    <article class="worker" data-state={worker.state}>
      <div class="worker-head">
        <h2>{worker.name}</h2>
        <Chip words={state_words(worker.quarantine ? "quarantine" : worker.state)} />
        <span class={silent ? "warn" : "quiet"}>heard {ago(heard, now)}</span>
      </div>
      <p>
        {worker.device_name || worker.device_kind}
        {worker.memory_bytes > 0 && <span class="quiet"> · {bytes(worker.memory_bytes)}</span>}
        <span class="quiet"> · {worker.engine_build}</span>
        {worker.tags.length > 0 && <span class="quiet"> · {worker.tags.join(", ")}</span>}
      </p>
      <Leases worker={worker} />
      <Held residency={worker.residency} />
      <p class="quiet">
        {plural(worker.jobs_done, "pose")} rendered
        {worker.jobs_failed > 0 && <span class="bad">, {count(worker.jobs_failed)} failed</span>}
      </p>
    </article>
  );
}

function Leases({ worker }: { worker: Worker }) {
  if (worker.leases.length === 0) {
    if (worker.state === "gone") return null;
    const concerns = (row: LedgerRow) => row.worker === worker.id || row.kind.startsWith("farm.");
    const tone = worker.quarantine ? "bad" : "quiet";
    return <Why of={`/workers/${worker.id}`} concerns={concerns} tone={tone} />;
  }
  return (
    <ul class="leases">
      {worker.leases.map((lease, index) => (
        <LeaseLine key={lease.job} lease={lease} first={index === 0} />
      ))}
    </ul>
  );
}

// A worker is given its next pose while it renders one.
function LeaseLine({ lease, first }: { lease: Lease; first: boolean }) {
  const heard = useProgress("job", lease.job);
  const step = heard?.step ?? lease.step ?? 0;
  const of = heard?.of ?? lease.of ?? 0;
  const name = `${lease.character}, ${view_words(lease.view_id)}`;
  return (
    <li>
      <a href={to.sheet(lease.sheet)}>
        <span>
          <b>{lease.character}</b> {view_words(lease.view_id)}
        </span>
        <span class="quiet">{step > 0 ? `step ${step} of ${of}` : first ? "starts" : "next"}</span>
      </a>
      <StepBar step={step} of={of} label={name} />
    </li>
  );
}

const kCounters: { [name: string]: (n: number) => string } = {
  model_loads_total: (n) => `model loaded ${times(n)}`,
  lora_merges_total: (n) => `LoRA merged ${times(n)}`,
  text_cache_hits_total: (n) => `prompt reused ${times(n)}`,
  text_encodings_total: (n) => `prompt encoded ${times(n)}`,
  reference_cache_hits_total: (n) => `reference reused ${times(n)}`,
  out_of_memory_total: (n) => `out of memory ${times(n)}`,
};

const lora_words = (name: string, scale: number) => (scale === 1 ? name : `${name} at ${scale}`);

const times = (n: number) => (n === 1 ? "once" : `${count(n)} times`);

// How the weights are kept, and what else is there that a next job can use.
function kept_words(residency: Residency): string {
  const model = residency.models?.find(({ name }) => name === residency.model);
  const others = (residency.models?.length ?? 0) - 1;
  const { prompts = 0, references = 0 } = residency.cached ?? {};
  return [
    model?.mode,
    model && plural(model.variants?.length ?? 0, "LoRA variant"),
    model?.text_encoders && "text encoders",
    others > 0 && plural(others, "other model"),
    prompts > 0 && plural(prompts, "prompt"),
    references > 0 && plural(references, "reference"),
    residency.memory?.held_bytes && `${bytes(residency.memory.held_bytes)} held`,
  ]
    .filter(Boolean)
    .join(", ");
}

function Held({ residency }: { residency: Residency | null }) {
  if (!residency?.model) return <p class="quiet">No model in memory yet.</p>;
  const loras = (residency.loras ?? []).map((lora) =>
    typeof lora === "string" ? lora : lora_words(lora.name ?? "?", lora.scale ?? 1),
  );
  const counters = Object.entries(kCounters)
    .filter(([name]) => residency.counters?.[name])
    .map(([name, say]) => say(residency.counters?.[name] ?? 0));
  const kept = kept_words(residency);
  return (
    <p>
      In memory: <b>{residency.model}</b>
      {loras.length > 0 && ` with ${loras.join(", ")}`}
      {kept !== "" && <span class="quiet held">{kept}</span>}
      {counters.length > 0 && <span class="quiet held">{counters.join(", ")}</span>}
    </p>
  );
}
