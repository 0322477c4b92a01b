// What is on screen, fetched once and fetched again when the ledger says that it changed: never
// more than one request for it under way, never faster than the pause, not while the tab is hidden.
// What was fetched is kept, so that going back shows it at once.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, paged, type LedgerRow, type Page } from "./api";
import { listen } from "./live";

const kPauseMs = 400; // a burst of rows costs one fetch, and a change shows within half a second
const kRetryMs = 2000; // after an answer that failed
const kKept = 60; // views kept for going back
const kPageSize = 50;
const kPageSizeMax = 500; // the API's
const kItemsAtOnce = 4; // of the browser's six connections a host

export interface Resource<T> {
  value: T | null;
  at: number; // when it was fetched, in ms since 1970
  error: ApiError | null;
}

export interface List<T> {
  items: T[] | null;
  more: (() => void) | null; // null when all are here
  loading: boolean;
  error: ApiError | null;
}

const kept = new Map<string, unknown>();

function keep(key: string, value: unknown): void {
  kept.delete(key);
  kept.set(key, value);
  const oldest = kept.keys().next();
  if (kept.size > kKept && !oldest.done) kept.delete(oldest.value);
}

// Runs work() soon after it is poked, and once more if it was poked meanwhile.
class Refresher {
  private timer: number | undefined;
  private busy = false;
  private wanted = false;
  private stopped = false;

  constructor(private readonly work: () => Promise<boolean>) {
    document.addEventListener("visibilitychange", this.on_visible);
  }

  // work() answers whether it succeeded; a failure is tried again.
  poke = (wait_ms = kPauseMs): void => {
    this.wanted = true;
    if (this.busy || this.stopped || document.hidden) return;
    if (this.timer === undefined || wait_ms === 0) {
      clearTimeout(this.timer);
      this.timer = setTimeout(this.run, wait_ms);
    }
  };

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.on_visible);
  }

  private on_visible = () => {
    if (this.wanted) this.poke();
  };

  private run = async () => {
    this.timer = undefined;
    this.busy = true;
    this.wanted = false;
    const succeeded = await this.work();
    this.busy = false;
    if (!succeeded) this.poke(kRetryMs);
    else if (this.wanted) this.poke();
  };
}

const as_error = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(String(error), false, 0);

// One answer. `concerns` says which ledger rows may change it; `every_ms` asks again without any.
export function useResource<T>(
  path: string,
  concerns: (row: LedgerRow) => boolean,
  every_ms?: number,
): Resource<T> {
  const empty = (): Resource<T> =>
    (kept.get(path) as Resource<T> | undefined) ?? { value: null, at: 0, error: null };
  const [state, set] = useState<{ path: string; resource: Resource<T> }>(() => ({
    path,
    resource: empty(),
  }));

  useEffect(() => {
    let gone = false;
    let current = empty();
    const show = (resource: Resource<T>) => {
      current = resource;
      if (!gone) set({ path, resource });
    };
    const refresher = new Refresher(async () => {
      try {
        const value = await get<T>(path);
        keep(path, { value, at: Date.now(), error: null });
        show({ value, at: Date.now(), error: null });
        return true;
      } catch (thrown) {
        const error = as_error(thrown);
        show({ ...current, error });
        return !error.silent && error.status !== 503;
      }
    });
    refresher.poke(0);
    const timer = every_ms ? setInterval(refresher.poke, every_ms) : undefined;
    const unlisten = listen((row) => {
      if (row === null) refresher.poke(0);
      else if (concerns(row)) refresher.poke();
    });
    return () => {
      gone = true;
      clearInterval(timer);
      unlisten();
      refresher.stop();
    };
  }, [path]);

  return state.path === path ? state.resource : empty();
}

export interface Watch {
  // Which item of the list a row is about, and where one item is asked for; null: none.
  item?: (row: LedgerRow) => number | null;
  item_path?: (id: number) => string;
  // Rows after which the whole list may look different.
  all: (row: LedgerRow) => boolean;
  every_ms?: number;
}

interface Loaded<T> {
  items: T[];
  next: Page<T>["next"];
}

// Asks for as many items as were on screen, page by page.
async function load<T>(path: string, count: number): Promise<Loaded<T>> {
  const items: T[] = [];
  let next: Page<T>["next"] = null;
  do {
    const limit = Math.min(Math.max(count - items.length, kPageSize), kPageSizeMax);
    const page: Page<T> = await get<Page<T>>(paged(path, limit, next));
    items.push(...page.items);
    next = page.next;
  } while (next !== null && items.length < count);
  return { items, next };
}

// A paged list. After a row about one of its items, only that item is asked for again.
export function useList<T extends { id: number }>(path: string, watch: Watch): List<T> {
  const [state, set] = useState<{ path: string; loaded: Loaded<T> | null }>(() => ({
    path,
    loaded: (kept.get(path) as Loaded<T> | undefined) ?? null,
  }));
  const [error, set_error] = useState<ApiError | null>(null);
  const [loading, set_loading] = useState(false);
  const more = useRef<() => void>(() => undefined);

  useEffect(() => {
    let gone = false;
    let loaded = (kept.get(path) as Loaded<T> | undefined) ?? null;
    let stale = true; // all of it
    let extend = false; // one more page is wanted
    const dirty = new Set<number>();

    const show = (now: Loaded<T>) => {
      loaded = now;
      keep(path, now);
      if (!gone) set({ path, loaded: now });
    };
    const reload = async () => {
      dirty.clear();
      stale = false;
      show(await load<T>(path, loaded?.items.length ?? 0));
    };
    const refetch = async (item_path: (id: number) => string) => {
      const ids = [...dirty].slice(0, kItemsAtOnce);
      ids.forEach((id) => dirty.delete(id)); // first: it may change again while it is fetched
      const fresh = await Promise.all(ids.map((id) => get<T>(item_path(id))));
      const by_id = new Map(fresh.map((item) => [item.id, item]));
      if (loaded) show({ ...loaded, items: loaded.items.map((old) => by_id.get(old.id) ?? old) });
    };
    const append = async () => {
      if (!loaded || loaded.next === null) return;
      const page = await get<Page<T>>(paged(path, kPageSize, loaded.next));
      show({ items: [...loaded.items, ...page.items], next: page.next });
    };

    const refresher = new Refresher(async () => {
      try {
        if (stale) await reload();
        if (extend) await append();
        extend = false;
        if (dirty.size > 0 && watch.item_path) await refetch(watch.item_path);
        if (dirty.size > 0) refresher.poke();
        if (!gone) set_error(null);
        return true;
      } catch (thrown) {
        const failed = as_error(thrown);
        stale = true;
        if (!gone) set_error(failed);
        return !failed.silent && failed.status !== 503;
      } finally {
        if (!gone) set_loading(extend);
      }
    });
    more.current = () => {
      extend = true;
      set_loading(true);
      refresher.poke(0);
    };
    refresher.poke(0);
    const timer = watch.every_ms
      ? setInterval(() => {
          stale = true;
          refresher.poke();
        }, watch.every_ms)
      : undefined;
    const unlisten = listen((row) => {
      const item = row === null ? null : (watch.item?.(row) ?? null);
      if (row === null || watch.all(row)) stale = true;
      else if (item !== null && loaded?.items.some(({ id }) => id === item)) dirty.add(item);
      else return;
      refresher.poke(row === null ? 0 : kPauseMs);
    });
    return () => {
      gone = true;
      clearInterval(timer);
      unlisten();
      refresher.stop();
    };
  }, [path]);

  const loaded =
    state.path === path ? state.loaded : ((kept.get(path) as Loaded<T> | undefined) ?? null);
  return {
    items: loaded?.items ?? null,
    more: loaded && loaded.next !== null ? more.current : null,
    loading,
    error,
  };
}
