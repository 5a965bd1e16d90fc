import { DedicatedConnection, Service } from '@intendant/core/internal';
import type pg from 'pg';
import type { Logger } from 'pino';
import { JOB_BELL_CHANNEL } from './job-bell.ts';

/** Receives, on its own connection, notifications of jobs stored while a worker sleeps. Runs while there are listeners. */
export class JobListener {
  readonly #service: Service;
  readonly #listeners = new Map<string, Set<() => void>>();

  /** The connection must not go through a pooler in transaction mode. */
  constructor(connection: pg.ClientConfig, logger: Logger) {
    this.#service = new Service({
      logger,
      messages: {
        began: 'notifications of new jobs are not received; the feed wakes the workers',
        ended: 'notifications of new jobs are received again',
      },
      run: async ({ signal, ready }) => {
        await using dedicated = await DedicatedConnection.open({
          connection,
          applicationName: 'intendant workers',
          setUp: `listen ${JOB_BELL_CHANNEL}`,
        });
        dedicated.client.on('notification', ({ payload = '' }) => this.#ring(payload));
        ready();
        await aborted(AbortSignal.any([signal, dedicated.lost]));
        if (!signal.aborted) throw dedicated.lost.reason;
        return undefined;
      },
    });
  }

  /** Calls the listener for each job that was stored in this queue while its bell was armed. Returns a function that stops it. */
  watch(queue: string, listener: () => void): () => Promise<void> {
    const known = this.#listeners.get(queue) ?? new Set();
    this.#listeners.set(queue, known.add(listener));
    void this.#service.start();
    return () => this.#unwatch(queue, listener);
  }

  async #unwatch(queue: string, listener: () => void): Promise<void> {
    const known = this.#listeners.get(queue);
    known?.delete(listener);
    if (known?.size === 0) this.#listeners.delete(queue);
    if (this.#listeners.size === 0) await this.#service.stop();
  }

  #ring(queue: string): void {
    for (const listener of this.#listeners.get(queue) ?? []) listener();
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
