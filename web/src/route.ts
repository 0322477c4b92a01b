// Where the page is: #/batches/3?show=attention. Views are links, so back, forward, bookmarks and
// a middle click work; a view is scrolled to where it was when one comes back to it.

import { useEffect, useLayoutEffect, useState } from "preact/hooks";

export interface Route {
  path: string; // "/batches/3"
  parts: string[]; // ["batches", "3"]
  search: URLSearchParams;
}

function read(): Route {
  const [path = "/", search = ""] = location.hash.replace(/^#/, "").split("?", 2);
  return { path, parts: path.split("/").filter(Boolean), search: new URLSearchParams(search) };
}

export const to = {
  batches: "#/batches",
  batch: (id: number) => `#/batches/${id}`,
  sheet: (id: number) => `#/sheets/${id}`,
  workers: "#/workers",
};

// Changes a filter in the address, without a step in the history.
export function set_search(name: string, value: string): void {
  const { path, search } = read();
  if (value) search.set(name, value);
  else search.delete(name);
  const text = search.toString();
  history.replaceState(null, "", `#${path}${text && `?${text}`}`);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

const scrolled = new Map<string, number>();

export function useRoute(): Route {
  const [route, set] = useState(read);
  useEffect(() => {
    history.scrollRestoration = "manual";
    let shown = read().path;
    let followed_link = false;
    const on_click = (event: MouseEvent) => {
      scrolled.set(shown, scrollY);
      followed_link = event.target instanceof Element && event.target.closest("a") !== null;
    };
    const on_scroll = () => {
      if (read().path === shown) scrolled.set(shown, scrollY);
    };
    const on_hash = () => {
      const next = read();
      if (next.path !== shown && followed_link) scrolled.delete(next.path);
      followed_link = false;
      shown = next.path;
      set(next);
    };
    addEventListener("click", on_click, true);
    addEventListener("scroll", on_scroll, { passive: true });
    addEventListener("hashchange", on_hash);
    return () => {
      removeEventListener("click", on_click, true);
      removeEventListener("scroll", on_scroll);
      removeEventListener("hashchange", on_hash);
    };
  }, []);
  useLayoutEffect(() => scrollTo(0, scrolled.get(route.path) ?? 0), [route.path]);
  return route;
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Pirouette` : "Pirouette";
  }, [title]);
}
