import { useSyncExternalStore } from 'preact/compat';
import { useEffect } from 'preact/hooks';
import { apiUrl } from '../api/client.ts';
import type { Change } from '../api/model.ts';

export type LiveState = 'connecting' | 'live' | 'lost';

/** The server sends something at least every 15 s. A longer silence means that the connection hangs. */
const SILENCE_MS = 35_000;
const RETRY_MS = 1_000;

type Listener = (change: Change) => void;

/** The single stream of changes of this page. After a lost connection it continues after the last change. */
class LiveChanges {
  readonly #changes = new Set<Listener>();
  readonly #states = new Set<() => void>();
  readonly #resets = new Set<() => void>();
  #source: EventSource | undefined;
  #position = '';
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  state: LiveState = 'connecting';

  start(): void {
    this.#connect();
    addEventListener('online', () => this.#reconnect());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible' && this.state === 'lost') this.#reconnect();
    });
  }

  onChange(listener: Listener): () => void {
    this.#changes.add(listener);
    return () => this.#changes.delete(listener);
  }

  /** Called when changes may have been missed. */
  onReset(listener: () => void): () => void {
    this.#resets.add(listener);
    return () => this.#resets.delete(listener);
  }

  onState = (listener: () => void): (() => void) => {
    this.#states.add(listener);
    return () => this.#states.delete(listener);
  };

  #connect(): void {
    const source = new EventSource(apiUrl(`changes${this.#position === '' ? '' : `?after=${this.#position}`}`));
    this.#source = source;
    this.#watch();
    const hear = (name: string, act: (event: MessageEvent<string>) => void) =>
      source.addEventListener(name, (event) => {
        if (event.lastEventId !== '') this.#position = event.lastEventId;
        this.#watch();
        act(event);
      });
    hear('begin', () => this.#become('live'));
    hear('beat', () => this.#become('live'));
    hear('reset', () => this.#notifyReset());
    hear('change', (event) => this.#notify(JSON.parse(event.data) as Change));
    source.addEventListener('error', () => this.#failed(source));
  }

  #failed(source: EventSource): void {
    if (source !== this.#source) return;
    this.#become('lost');
    source.close();
    setTimeout(() => {
      if (source === this.#source) this.#connect();
    }, RETRY_MS);
  }

  #reconnect(): void {
    this.#source?.close();
    this.#connect();
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      this.#become('lost');
      this.#reconnect();
    }, SILENCE_MS);
  }

  #become(state: LiveState): void {
    if (this.state === state) return;
    this.state = state;
    for (const listener of this.#states) listener();
  }

  #notify(change: Change): void {
    for (const listener of this.#changes) listener(change);
  }

  #notifyReset(): void {
    for (const listener of this.#resets) listener();
  }
}

export const liveChanges = new LiveChanges();

export const useLiveState = (): LiveState => useSyncExternalStore(liveChanges.onState, () => liveChanges.state);

/** Calls the listener with each change while the component is mounted. */
export function useChanges(listener: Listener): void {
  useEffect(() => liveChanges.onChange(listener), [listener]);
}
