// All batches, newest first: will each be ready, and by when.

import type { Batch } from "../api";
import { useNow } from "../clock";
import { BatchBar } from "../parts/bar";
import { Chip } from "../parts/chip";
import { Empty, Pending } from "../parts/notice";
import { useList, type Watch } from "../resource";
import { to, useTitle } from "../route";
import { count, forecast, moment, plural, state_words } from "../words";

const watch: Watch = {
  item: (row) => row.batch,
  item_path: (id) => `/batches/${id}`,
  all: (row) => row.kind === "batch.submitted",
  every_ms: 60_000, // a forecast drifts
};

export function BatchesView() {
  const { items, more, loading, error } = useList<Batch>("/batches", watch);
  const now = useNow();
  useTitle("Batches");

  if (!items) return <Pending error={error} />;
  if (items.length === 0) {
    return (
      <Empty title="No batches yet">
        Submit a folder of reference pictures: <code>pirouette submit FOLDER</code>
      </Empty>
    );
  }
  return (
    <>
      <h1>Batches</h1>
      <ul class="rows">
        {items.map((batch) => (
          <BatchRow key={batch.id} batch={batch} now={now} />
        ))}
      </ul>
      {more && (
        <button class="more" onClick={more} disabled={loading}>
          {loading ? "Loading…" : "Load more"}
        </button>
      )}
    </>
  );
}

function BatchRow({ batch, now }: { batch: Batch; now: number }) {
  const time = forecast(batch, now, now);
  return (
    <li>
      <a class="row" href={to.batch(batch.id)}>
        <span class="row-head">
          <span class="row-name">{batch.name}</span>
          <Chip words={state_words(batch.state)} />
          <span class="quiet row-owner">{batch.owner}</span>
        </span>
        <BatchBar counts={batch} label={`Poses of ${batch.name}`} />
        <span class="row-facts">
          <span>
            {count(batch.sheets - batch.sheets_open)} of {plural(batch.sheets, "sheet")} assembled
          </span>
          {batch.jobs_failed > 0 && (
            <span class="bad">{plural(batch.jobs_failed, "pose")} failed</span>
          )}
          <span class={time.tone}>{time.text}</span>
          {batch.deadline && (
            <span class="quiet">deadline {moment(Date.parse(batch.deadline), now)}</span>
          )}
        </span>
      </a>
    </li>
  );
}
