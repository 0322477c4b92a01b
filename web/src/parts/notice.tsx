// Said in place of content: nothing here yet, still coming, or why it cannot be shown.

import type { ComponentChildren } from "preact";
import type { ApiError } from "../api";

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <div>{children}</div>}
    </div>
  );
}

// Shown while a view has no content. Silent errors are retried, and told so.
export function Pending({ error }: { error: ApiError | null }) {
  if (!error) return <div class="pending" role="status" aria-label="Loading" />;
  return (
    <Empty title={error.message}>
      {error.silent ? "Trying again by itself." : "Go back and try another one."}
    </Empty>
  );
}
