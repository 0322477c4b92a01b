// The coordinator's own sentence on why something waits, failed or idles, and what would change it.

import { useState } from "preact/hooks";
import type { Explanation, LedgerRow } from "../api";
import { useResource } from "../resource";

interface WhyProps {
  of: string; // "/workers/1"
  concerns: (row: LedgerRow) => boolean;
  tone?: "bad" | "warn" | "quiet";
}

export function Why({ of, concerns, tone = "quiet" }: WhyProps) {
  const { value } = useResource<Explanation>(`${of}/explain`, concerns, 30_000);
  return value && <p class={`why ${tone}`}>{value.sentence}</p>;
}

// The same where it is asked for, so that a page full of poses does not ask for all of them.
export function WhyAsked(props: WhyProps) {
  const [open, set_open] = useState(false);
  return (
    <details onToggle={(event) => set_open(event.currentTarget.open)}>
      <summary>Why?</summary>
      {open && <Why {...props} />}
    </details>
  );
}
