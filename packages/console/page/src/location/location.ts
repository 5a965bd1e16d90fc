import { useSyncExternalStore } from 'preact/compat';

/** The location of the page: its path below the console's base, and its query. */
export interface Place {
  /** Decoded segments: `/resources/vm/a%2Fb` is `['resources', 'vm', 'a/b']`. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

const listeners = new Set<() => void>();
const notify = () => {
  for (const listener of listeners) listener();
};

addEventListener('popstate', notify);

export const hrefOf = (path: string): string => new URL(path, document.baseURI).href;

export function navigate(path: string, { isReplacing = false } = {}): void {
  if (isReplacing) history.replaceState(null, '', hrefOf(path));
  else history.pushState(null, '', hrefOf(path));
  notify();
}

/** Changes some parameters of the query and keeps the others. Undefined removes a parameter. */
export function changeQuery(changes: Readonly<Record<string, string | undefined>>, path = currentPath()): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') query.delete(name);
    else query.set(name, value);
  }
  navigate(withQuery(path, query), { isReplacing: true });
}

export const withQuery = (path: string, query: URLSearchParams): string =>
  query.size === 0 ? path : `${path}?${query}`;

const currentPath = (): string => location.pathname.slice(new URL(document.baseURI).pathname.length);

function readPlace(href: string): Place {
  const { search } = new URL(href);
  const segments = currentPath()
    .split('/')
    .filter((segment) => segment !== '')
    .map(decode);
  return { segments, query: new URLSearchParams(search) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

let known: { readonly href: string; readonly place: Place } | undefined;

function snapshot(): Place {
  const { href } = location;
  if (known?.href !== href) known = { href, place: readPlace(href) };
  return known.place;
}

export const currentPlace = (): Place => snapshot();

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const usePlace = (): Place => useSyncExternalStore(subscribe, snapshot);
