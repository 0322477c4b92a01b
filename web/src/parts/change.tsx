// Buttons that change something. While one is being answered all of its row wait; what the
// coordinator refuses is said beside them. What a change did arrives by the event stream.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { post } from "../api";

export interface Change {
  busy: boolean;
  error: string | null;
  // Whether it was made.
  make: (path: string, body?: object) => Promise<boolean>;
}

export function useChange(): Change {
  const [busy, set_busy] = useState(false);
  const [error, set_error] = useState<string | null>(null);
  const make = async (path: string, body: object = {}) => {
    set_busy(true);
    set_error(null);
    try {
      await post(path, body);
      return true;
    } catch (problem) {
      set_error(problem instanceof Error ? problem.message : String(problem));
      return false;
    } finally {
      set_busy(false);
    }
  };
  return { busy, error, make };
}

interface ButtonProps {
  change: Change;
  path: string;
  body?: object;
  pressed?: boolean;
  confirm?: string; // asked first
  children: ComponentChildren;
}

export function ChangeButton({ change, path, body, pressed, confirm, children }: ButtonProps) {
  return (
    <button
      type="button"
      disabled={change.busy}
      aria-pressed={pressed}
      onClick={() => {
        if (!confirm || window.confirm(confirm)) void change.make(path, body);
      }}
    >
      {children}
    </button>
  );
}

export function ChangeError({ change }: { change: Change }) {
  if (!change.error) return null;
  return (
    <p class="bad" role="alert">
      {change.error}
    </p>
  );
}
