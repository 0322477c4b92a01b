// One character in a batch's grid: its poses while they arrive, then the assembled sheet.

import { picture_url, thumbnail_url, type Sheet } from "../api";
import { to } from "../route";
import { by_azimuth, check_words, failed_poses, plural, sheet_words, view_words } from "../words";
import { Chip } from "./chip";
import { Picture } from "./picture";
import { PoseTile } from "./pose_tile";

const kTileHeight = 240; // twice the strip's, for sharp screens
const kColumnsMax = 6;

export function SheetCard({ sheet, aspect }: { sheet: Sheet; aspect: number }) {
  const note = attention(sheet);
  return (
    <a class="card" href={to.sheet(sheet.id)} data-state={sheet.state}>
      <SheetFace sheet={sheet} aspect={aspect} />
      <div class="card-foot">
        <span class="card-name">{sheet.character}</span>
        <Chip words={sheet_words(sheet)} />
        {sheet.state === "rendering" && (
          <span class="quiet card-count">
            {sheet.poses.filter((pose) => pose.picture).length} of {sheet.poses.length} poses
          </span>
        )}
      </div>
      {note && (
        <p class={failed_poses(sheet).length > 0 ? "card-note bad" : "card-note warn"}>{note}</p>
      )}
    </a>
  );
}

function SheetFace({ sheet, aspect }: { sheet: Sheet; aspect: number }) {
  const columns = Math.min(sheet.poses.length, kColumnsMax);
  const rows = Math.ceil(sheet.poses.length / kColumnsMax);
  const shape = { "--columns": columns, "--rows": rows, "--aspect": aspect };
  if (sheet.picture) {
    const source = sheet.thumbnail
      ? picture_url(sheet.thumbnail)
      : thumbnail_url(sheet.picture, 2 * kTileHeight);
    return (
      <div class="face" style={shape}>
        <Picture src={source} alt={`The sheet of ${sheet.character}`} lazy />
      </div>
    );
  }
  return (
    <div class="strip" style={shape}>
      {by_azimuth(sheet.poses).map((pose) => (
        <PoseTile key={pose.id} pose={pose} height={kTileHeight} />
      ))}
    </div>
  );
}

// The one line that says why someone should open this card.
function attention(sheet: Sheet): string | null {
  const failed = failed_poses(sheet);
  const first = failed[0];
  if (first) {
    const others = failed.length > 1 ? ` (and ${failed.length - 1} more)` : "";
    return `${view_words(first.view_id)}: ${first.error ?? "failed"}${others}`;
  }
  const [check] = sheet.checks;
  if (check === undefined) return null;
  if (sheet.checks.length === 1) return check_words(check);
  return plural(sheet.checks.length, "thing") + " to look at";
}
