// What a producer does about one pose: approve it, reject it, or have it rendered once more with a
// word on what to correct.

import { useState } from "preact/hooks";
import type { Pose } from "../api";
import { ChangeButton, ChangeError, useChange } from "./change";

export function PoseChanges({ pose }: { pose: Pose }) {
  const change = useChange();
  const [rerolling, set_rerolling] = useState(false);
  const path = `/poses/${pose.id}`;
  const renders = pose.state === "queued" || pose.state === "leased" || pose.state === "held";
  return (
    <div class="changes">
      {pose.picture && (
        <div class="choices" role="group" aria-label="Review">
          {(["approved", "rejected"] as const).map((review) => {
            const pressed = pose.review === review;
            const to_make = review === "approved" ? "approve" : "reject";
            return (
              <ChangeButton
                key={review}
                change={change}
                path={`${path}/${pressed ? "unreview" : to_make}`}
                pressed={pressed}
              >
                {pressed ? review[0]?.toUpperCase() + review.slice(1) : titles[to_make]}
              </ChangeButton>
            );
          })}
        </div>
      )}
      {!renders && (
        <button type="button" aria-expanded={rerolling} onClick={() => set_rerolling(!rerolling)}>
          Reroll…
        </button>
      )}
      {rerolling && !renders && (
        <RerollForm
          take={pose.take + 1}
          busy={change.busy}
          reroll={async (note, seed) => {
            const made = await change.make(`${path}/reroll`, {
              ...(note && { note }),
              ...(seed && { seed: Number(seed) }),
            });
            if (made) set_rerolling(false);
          }}
        />
      )}
      {pose.review_note && <p class="quiet">“{pose.review_note}”</p>}
      <ChangeError change={change} />
    </div>
  );
}

const titles = { approve: "Approve", reject: "Reject" };

interface RerollProps {
  take: number;
  busy: boolean;
  reroll: (note: string, seed: string) => Promise<void>;
}

function RerollForm({ take, busy, reroll }: RerollProps) {
  const [note, set_note] = useState("");
  const [seed, set_seed] = useState("");
  return (
    <form
      class="reroll"
      onSubmit={(event) => {
        event.preventDefault();
        void reroll(note, seed);
      }}
    >
      <label>
        What to correct
        <textarea
          rows={2}
          value={note}
          placeholder="the cape hangs to the knees"
          onInput={(event) => set_note(event.currentTarget.value)}
        />
      </label>
      <label>
        Seed
        <input
          inputMode="numeric"
          pattern="[0-9]{0,15}"
          value={seed}
          placeholder="the next one"
          onInput={(event) => set_seed(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={busy}>
        Render take {take}
      </button>
    </form>
  );
}
