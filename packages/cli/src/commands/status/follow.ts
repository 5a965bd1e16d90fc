import type { AnyTable } from '@intendant/core';
import { defineStatusTables } from '@intendant/realization/internal';
import type { Workspace } from '../../database/workspace.ts';
import type { Cli } from '../../run/cli.ts';

/** Changes within this time are shown together. */
const GATHER_MS = 200;

/** Calls `show` now and after every change of a status in these tables, until the user interrupts. */
export async function followStatuses(
  cli: Cli,
  workspace: Workspace,
  tables: readonly AnyTable[],
  show: () => Promise<void>,
): Promise<void> {
  const { signal } = cli.io;
  const subscriptions = await workspace.subscriptions();
  await workspace.realization(); // which registers the status tables
  const changed = new ChangeSignal();
  for (const table of tables) {
    const { overall, enforcement } = defineStatusTables(table);
    for (const { name } of [overall, enforcement])
      await subscriptions.subscribeBatches(name, async () => changed.raise());
  }
  while (!signal.aborted) {
    await show();
    await changed.next(signal);
  }
}

/** Remembers a change that happened while no caller was waiting. */
class ChangeSignal {
  #isRaised = false;
  #wake: () => void = () => {};

  raise(): void {
    this.#isRaised = true;
    this.#wake();
  }

  /** Resolves a moment after the next change, or when the signal aborts. */
  async next(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = () => setTimeout(resolve, GATHER_MS);
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    if (this.#isRaised) this.#wake();
    await promise;
    signal.removeEventListener('abort', onAbort);
    this.#isRaised = false;
  }
}
