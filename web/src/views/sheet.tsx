// One character: its reference, its sheet, and every pose with how it came about.

import type { ComponentChildren } from "preact";
import { picture_url, thumbnail_url, type Batch, type Pose, type Sheet } from "../api";
import { Chip } from "../parts/chip";
import { Pending } from "../parts/notice";
import { ChangeButton, ChangeError, useChange } from "../parts/change";
import { Picture } from "../parts/picture";
import { PoseChanges } from "../parts/pose_changes";
import { PoseTile } from "../parts/pose_tile";
import { Why, WhyAsked } from "../parts/why";
import { useResource } from "../resource";
import { to, useTitle } from "../route";
import { by_azimuth, check_words, sheet_words, state_words, view_words } from "../words";

const kPictureHeight = 960; // what fits a screen; the full picture is one click away
const kTileHeight = 640;

export function SheetView({ id }: { id: number }) {
  const { value: sheet, error } = useResource<Sheet>(`/sheets/${id}`, (row) => row.sheet === id);
  useTitle(sheet?.character ?? "");
  if (!sheet) return <Pending error={error} />;
  return <SheetPage sheet={sheet} />;
}

function SheetPage({ sheet }: { sheet: Sheet }) {
  const batch = useResource<Batch>(`/batches/${sheet.batch}`, () => false).value;
  const recipe = batch?.recipe;
  const shape = recipe ? { "--aspect": recipe.width / recipe.height } : {};
  return (
    <>
      <SheetHead sheet={sheet} batch={batch} />
      {sheet.checks.length > 0 && <Checks sheet={sheet} />}
      <div class="pictures">
        <figure class="reference">
          <a href={picture_url(sheet.reference)} target="_blank">
            <Picture
              src={thumbnail_url(sheet.reference, kTileHeight)}
              alt={`Reference of ${sheet.character}`}
            />
          </a>
          <figcaption>Reference</figcaption>
        </figure>
        <SheetPicture sheet={sheet} />
      </div>
      <h2>Poses</h2>
      <ul class="poses" style={shape}>
        {by_azimuth(sheet.poses).map((pose) => (
          <PoseCard key={pose.id} pose={pose} />
        ))}
      </ul>
    </>
  );
}

function SheetHead({ sheet, batch }: { sheet: Sheet; batch: Batch | null }) {
  return (
    <div class="head">
      <p class="crumbs">
        <a href={to.batches}>Batches</a>
        <a href={to.batch(sheet.batch)}>{batch?.name ?? `Batch ${sheet.batch}`}</a>
      </p>
      <div class="head-title">
        <h1>{sheet.character}</h1>
        <Chip words={sheet_words(sheet)} />
        <SheetChanges sheet={sheet} />
      </div>
      {sheet.notes && <p class="quiet">{sheet.notes}</p>}
      {sheet.state === "rendering" && (
        <Why of={`/sheets/${sheet.id}`} concerns={(row) => row.sheet === sheet.id} />
      )}
    </div>
  );
}

function SheetChanges({ sheet }: { sheet: Sheet }) {
  const change = useChange();
  const can_approve = sheet.state === "ready";
  const can_cancel = sheet.state === "rendering";
  if (!can_approve && !can_cancel) return null;
  return (
    <div class="changes">
      {can_approve && (
        <ChangeButton change={change} path={`/sheets/${sheet.id}/approve`}>
          Approve all poses
        </ChangeButton>
      )}
      {can_cancel && (
        <ChangeButton
          change={change}
          path={`/sheets/${sheet.id}/cancel`}
          confirm={`Render no more of ${sheet.character}?`}
        >
          Cancel
        </ChangeButton>
      )}
      <ChangeError change={change} />
    </div>
  );
}

function Checks({ sheet }: { sheet: Sheet }) {
  return (
    <section class="checks" aria-label="To look at">
      <h2>To look at</h2>
      <ul>
        {sheet.checks.map((check, index) => (
          <li key={index}>{check_words(check)}</li>
        ))}
      </ul>
    </section>
  );
}

function SheetPicture({ sheet }: { sheet: Sheet }) {
  if (!sheet.picture) {
    const done = sheet.poses.filter((pose) => pose.picture).length;
    return (
      <div class="sheet-picture none">
        {sheet.state === "cancelled"
          ? "The batch was cancelled before this sheet was put together."
          : `The sheet is put together once its poses are here: ${done} of ${sheet.poses.length}.`}
      </div>
    );
  }
  return (
    <figure class="sheet-picture">
      <a href={picture_url(sheet.picture)} target="_blank" title="Open in full size">
        <Picture
          src={thumbnail_url(sheet.picture, kPictureHeight)}
          alt={`The sheet of ${sheet.character}`}
        />
      </a>
      <figcaption>
        Version {sheet.version}. Click for full size.
        <Earlier sheet={sheet} />
      </figcaption>
    </figure>
  );
}

// The versions before: a reroll never takes one away.
function Earlier({ sheet }: { sheet: Sheet }) {
  const earlier = sheet.versions?.filter(({ version }) => version < sheet.version) ?? [];
  if (earlier.length === 0) return null;
  return (
    <span class="earlier">
      {" "}
      Earlier:
      {earlier.map(({ version, picture }) => (
        <a key={version} href={picture_url(picture)} target="_blank">
          {version}
        </a>
      ))}
    </span>
  );
}

const kAsksWhy = new Set(["held", "queued", "leased", "failed"]);

function PoseCard({ pose }: { pose: Pose }) {
  return (
    <li class="pose" data-view={pose.view_id}>
      {pose.picture ? (
        <a href={picture_url(pose.picture)} target="_blank" title="Open in full size">
          <PoseTile pose={pose} height={kTileHeight} />
        </a>
      ) : (
        <PoseTile pose={pose} height={kTileHeight} />
      )}
      <div class="pose-head">
        <span class="pose-name">{view_words(pose.view_id)}</span>
        <Chip words={state_words(pose.state)} />
      </div>
      {pose.error && <p class={pose.state === "failed" ? "bad" : "warn"}>{pose.error}</p>}
      <dl>
        <Fact name="Turned">{pose.azimuth}°</Fact>
        <Fact name="Take">{pose.take}</Fact>
        {pose.worker && <Fact name="Worker">{pose.worker}</Fact>}
        {pose.attempts > 1 && <Fact name="Attempts">{pose.attempts}</Fact>}
      </dl>
      {kAsksWhy.has(pose.state) && (
        <WhyAsked of={`/jobs/${pose.job}`} concerns={(row) => row.job === pose.job} />
      )}
      <PoseChanges pose={pose} />
      {pose.prompt && (
        <details>
          <summary>Prompt and seed</summary>
          <p>{pose.prompt}</p>
          <p class="quiet">Seed {pose.seed}</p>
        </details>
      )}
    </li>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
