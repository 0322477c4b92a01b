// One batch: how it stands, and its sheets as pictures that fill in.

import { useEffect, useState } from "preact/hooks";
import type { Batch, LedgerRow, Sheet } from "../api";
import { useNow } from "../clock";
import { BatchBar } from "../parts/bar";
import { ChangeButton, ChangeError, useChange } from "../parts/change";
import { Chip } from "../parts/chip";
import { Empty, Pending } from "../parts/notice";
import { SheetCard } from "../parts/sheet_card";
import { Why } from "../parts/why";
import { useList, useResource, type List } from "../resource";
import { set_search, to, useTitle } from "../route";
import { count, forecast, is_ready, moment, needs_attention, plural, state_words } from "../words";

const kDefaultAspect = 832 / 1248; // the craft's canvas, until the recipe is here
const kRoom = 50; // cards at first, and more at each "load more": a page of the API

// How many cards each batch had on screen, for whoever comes back to it.
const rooms = new Map<number, number>();

const kFilters: { [show: string]: { title: string; fits: (sheet: Sheet) => boolean } } = {
  all: { title: "All", fits: () => true },
  attention: { title: "Needs attention", fits: needs_attention },
  ready: { title: "Ready", fits: is_ready },
};

export function BatchView({ id, search }: { id: number; search: URLSearchParams }) {
  const batch = useResource<Batch>(`/batches/${id}`, (row) => row.batch === id, 60_000);
  const sheets = useList<Sheet>(`/batches/${id}/sheets`, {
    item: (row) => row.sheet,
    item_path: (sheet) => `/sheets/${sheet}`,
    all: (row) => row.batch === id && row.kind === "batch.cancelled",
  });
  useTitle(batch.value?.name ?? "");

  if (!batch.value) return <Pending error={batch.error} />;
  const recipe = batch.value.recipe;
  return (
    <>
      <BatchHead batch={batch.value} at={batch.at} />
      <Sheets
        batch={id}
        list={sheets}
        total={batch.value.sheets}
        aspect={recipe ? recipe.width / recipe.height : kDefaultAspect}
        show={search.get("show") ?? "all"}
        find={search.get("find") ?? ""}
      />
    </>
  );
}

function BatchHead({ batch, at }: { batch: Batch; at: number }) {
  const now = useNow();
  const time = forecast(batch, at, now);
  const { recipe } = batch;
  const ended = batch.jobs_done + batch.jobs_failed + batch.jobs_cancelled;
  const waiting = batch.jobs - ended - batch.jobs_running;
  return (
    <div class="head">
      <p class="crumbs">
        <a href={to.batches}>Batches</a>
      </p>
      <div class="head-title">
        <h1>{batch.name}</h1>
        <Chip words={state_words(batch.paused ? "paused" : batch.state)} />
        {batch.state === "running" && <BatchChanges batch={batch} />}
      </div>
      <p class={`head-time ${time.tone}`}>{time.text}</p>
      {batch.waiting_for && (
        <Why
          of={`/batches/${batch.id}`}
          concerns={(row) => row.batch === batch.id || is_farm(row)}
        />
      )}
      <BatchBar counts={batch} label={`Poses of ${batch.name}`} />
      <ul class="legend">
        <li class="good">{count(batch.jobs_done)} done</li>
        {batch.jobs_failed > 0 && <li class="bad">{count(batch.jobs_failed)} failed</li>}
        {batch.jobs_running > 0 && <li class="busy">{count(batch.jobs_running)} rendering</li>}
        {waiting > 0 && batch.state === "running" && <li class="rest">{count(waiting)} waiting</li>}
        <li class="plain">
          {count(batch.sheets - batch.sheets_open)} of {plural(batch.sheets, "sheet")} assembled
        </li>
      </ul>
      {batch.state === "finished" && (
        <p>
          Take it home: <code>pirouette fetch {batch.id} --out FOLDER</code>
        </p>
      )}
      <p class="quiet facts">
        {batch.owner && <span>for {batch.owner}</span>}
        <span>submitted {moment(Date.parse(batch.submitted_at), now)}</span>
        {batch.deadline && <span>deadline {moment(Date.parse(batch.deadline), now)}</span>}
        {recipe && (
          <span>
            {recipe.model} with {recipe.loras.map(({ name }) => name).join(", ") || "no LoRA"}
          </span>
        )}
        {recipe && (
          <span>
            {recipe.width}×{recipe.height}, {recipe.steps} steps
          </span>
        )}
      </p>
    </div>
  );
}

const is_farm = (row: LedgerRow) => /^(worker|farm)\./.test(row.kind);

const kPriorities = [0, 25, 50, 75, 100];

function BatchChanges({ batch }: { batch: Batch }) {
  const change = useChange();
  const path = `/batches/${batch.id}`;
  const priorities = [...new Set([...kPriorities, batch.priority])].sort((a, b) => a - b);
  return (
    <div class="changes">
      <ChangeButton change={change} path={`${path}/${batch.paused ? "resume" : "pause"}`}>
        {batch.paused ? "Resume" : "Pause"}
      </ChangeButton>
      <label>
        Priority{" "}
        <select
          value={batch.priority}
          disabled={change.busy}
          onChange={(event) =>
            void change.make(`${path}/priority`, { priority: Number(event.currentTarget.value) })
          }
        >
          {priorities.map((priority) => (
            <option key={priority} value={priority}>
              {priority}
            </option>
          ))}
        </select>
      </label>
      <ChangeButton
        change={change}
        path={`${path}/cancel`}
        confirm={`Render no more of ${batch.name}? What is done stays.`}
      >
        Cancel
      </ChangeButton>
      <ChangeError change={change} />
    </div>
  );
}

interface SheetsProps {
  batch: number;
  list: List<Sheet>;
  total: number;
  aspect: number;
  show: string;
  find: string;
}

function Sheets({ batch, list, total, aspect, show, find }: SheetsProps) {
  const { items, loading, error } = list;
  const more = items && items.length >= total ? null : list.more;
  const [room, set_room] = useState(rooms.get(batch) ?? kRoom);
  const filter = kFilters[show] ?? kFilters["all"];
  const sought = find.trim().toLowerCase();
  const found = items?.filter(
    (sheet) => filter?.fits(sheet) && sheet.character.toLowerCase().includes(sought),
  );
  const filtering = show !== "all" || sought !== "";
  // A filter is applied here, page by page, until there is a screenful or nothing is left.
  const look_further = more !== null && !loading && found !== undefined && found.length < room;

  useEffect(() => {
    if (look_further) more?.();
  }, [look_further, items?.length]);

  const show_more = () => {
    rooms.set(batch, room + kRoom);
    set_room(room + kRoom);
  };

  return (
    <section aria-label="Sheets">
      <div class="tools" role="search">
        <div class="choices" role="group" aria-label="Which sheets">
          {Object.entries(kFilters).map(([name, { title }]) => (
            <button
              key={name}
              aria-pressed={show === name}
              onClick={() => set_search("show", name === "all" ? "" : name)}
            >
              {title}
            </button>
          ))}
        </div>
        <input
          type="search"
          placeholder="Find a character"
          aria-label="Find a character"
          value={find}
          onInput={(event) => set_search("find", event.currentTarget.value)}
        />
        {items && items.length < total && (
          <span class="quiet">
            {filtering ? "looked through" : "showing"} {count(items.length)} of {count(total)}
          </span>
        )}
      </div>
      {!found && <Pending error={error} />}
      {found?.length === 0 && !loading && !more && <NothingFound show={show} sought={sought} />}
      {found && (
        <div class="grid">
          {found.slice(0, room).map((sheet) => (
            <SheetCard key={sheet.id} sheet={sheet} aspect={aspect} />
          ))}
        </div>
      )}
      {found && (more || found.length > room) && (
        <button class="more" onClick={show_more} disabled={loading}>
          {loading ? "Loading…" : "Load more"}
        </button>
      )}
    </section>
  );
}

function NothingFound({ show, sought }: { show: string; sought: string }) {
  if (sought) return <Empty title={`No character here is called “${sought}”`} />;
  if (show === "attention") return <Empty title="Nothing needs attention" />;
  return <Empty title="No sheet is ready yet">They appear here one after another.</Empty>;
}
