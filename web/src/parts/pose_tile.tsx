// One pose as a picture: an empty turntable, then its progress, then the thumbnail; red when it
// failed. The newest state wins; a done take stays visible while another one renders.

import { thumbnail_url, type Pose } from "../api";
import { useProgress } from "../live";
import { state_words, view_words } from "../words";
import { Dial } from "./dial";
import { Picture } from "./picture";

// How far it is; null when it is not rendering.
function usePart(pose: Pose): { part: number; text: string } | null {
  const heard = useProgress("pose", pose.id);
  const waiting = pose.state === "queued" || pose.state === "held";
  if (pose.state !== "leased" && !(waiting && heard)) return null;
  const { step, of } = heard ?? pose.progress ?? { step: 0, of: 0 };
  return of > 0 && step > 0
    ? { part: step / of, text: `${step}/${of}` }
    : { part: 0, text: "next" };
}

export function PoseTile({ pose, height }: { pose: Pose; height: number }) {
  const rendering = usePart(pose);
  const name = view_words(pose.view_id);
  const state = rendering ? "leased" : pose.state;
  const label = `${name}: ${state_words(state).text}`;
  if (pose.picture) {
    return (
      <div class="tile done" data-state={state} title={label}>
        <Picture src={thumbnail_url(pose.picture, height)} alt={label} lazy />
        {rendering && <span class="tile-again">{rendering.text}</span>}
      </div>
    );
  }
  if (state === "failed") {
    return (
      <div class="tile failed" data-state={state} title={`${label}. ${pose.error ?? ""}`}>
        <span class="tile-cross" aria-hidden="true">
          ×
        </span>
        <span class="tile-text">{pose.error ?? "failed"}</span>
      </div>
    );
  }
  return (
    <div class="tile" data-state={state} role="img" aria-label={label} title={label}>
      <Dial azimuth={pose.azimuth} done={rendering ? rendering.part : null} />
      <span class="tile-text">{rendering ? rendering.text : name}</span>
    </div>
  );
}
