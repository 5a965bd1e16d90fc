import { useSyncExternalStore } from 'preact/compat';
import { printAge, printMoment } from './format.ts';

const listeners = new Set<() => void>();
let now = Date.now();

setInterval(() => {
  now = Date.now();
  for (const listener of listeners) listener();
}, 1_000);

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** The current time, updated every second; one clock for the whole page. */
const useNow = (): number => useSyncExternalStore(subscribe, () => now);

/** How long ago, with the exact time on hover. */
export function Ago({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={printMoment(at)}>
      {printAge(useNow() - Date.parse(at))}
    </time>
  );
}

/** The time until then. */
export function Until({ at }: { readonly at: string }) {
  const ms = Date.parse(at) - useNow();
  return (
    <time dateTime={at} title={printMoment(at)}>
      {ms <= 0 ? 'now' : `in ${printAge(ms + 999)}`}
    </time>
  );
}
