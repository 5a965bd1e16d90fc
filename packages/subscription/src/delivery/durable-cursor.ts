import { setTimeout as delay } from 'node:timers/promises';
import { ConfigurationError } from '@intendant/core';
import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import pg from 'pg';
import { loggedName } from '../log/names.ts';

/** How often a process that waits for its turn under a name asks again. */
const RETRY_MS = 1_000;

/**
 * The place of a durable subscription. One process at a time works under a name: it holds the name's advisory lock on a
 * connection of its own, and another takes over within a second or two of its end.
 */
export class DurableCursor {
  readonly #client: pg.Client;
  readonly #name: string;
  readonly sequence: number;
  /** Aborts when the lock's connection is lost: somebody else may hold the name now. */
  readonly lost: AbortSignal;

  private constructor(client: pg.Client, name: string, sequence: number, lost: AbortSignal) {
    this.#client = client;
    this.#name = name;
    this.sequence = sequence;
    this.lost = lost;
  }

  /** Waits for the name; undefined when the signal aborts first. The first time, the cursor starts at `from`. */
  static async take(
    internals: DataStoreInternals,
    connection: pg.ClientConfig,
    name: string,
    table: RegisteredTable,
    from: number,
    signal: AbortSignal,
  ): Promise<DurableCursor | undefined> {
    const lost = new AbortController();
    const client = new pg.Client({
      ...connection,
      application_name: `intendant ${name}`,
      keepAlive: true,
      query_timeout: 10_000,
    });
    client.on('error', () => lost.abort());
    client.on('end', () => lost.abort());
    try {
      await client.connect();
      while (!signal.aborted) {
        const { rows } = await client.query<{ mine: boolean }>(
          `select pg_try_advisory_lock(hashtextextended('intendant.cursor.' || $1, 0)) as mine`,
          [name],
        );
        if (rows[0]?.mine)
          return new DurableCursor(client, name, await place(internals, name, table, from), lost.signal);
        await delay(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    await client.end().catch(() => {});
    return undefined;
  }

  /** On the lock's own connection, so that nobody who lost the name moves its cursor. */
  async keep(sequence: number): Promise<void> {
    await this.#client.query('update intendant.cursor set seq = $2 where name = $1 and seq < $2', [
      this.#name,
      sequence,
    ]);
  }

  async release(): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}

async function place(
  internals: DataStoreInternals,
  name: string,
  table: RegisteredTable,
  from: number,
): Promise<number> {
  await internals.pool.query(
    'insert into intendant.cursor (name, table_name, seq) values ($1, $2, $3) on conflict do nothing',
    [name, loggedName(table), from],
  );
  const { rows } = await internals.pool.query<{ seq: string }>('select seq from intendant.cursor where name = $1', [
    name,
  ]);
  return Number(rows[0]?.seq);
}

/** A name belongs to one table. */
export async function checkName(internals: DataStoreInternals, name: string, table: RegisteredTable): Promise<void> {
  const { rows } = await internals.pool.query<{ table_name: string }>(
    'select table_name from intendant.cursor where name = $1',
    [name],
  );
  const taken = rows[0]?.table_name;
  if (taken !== undefined && taken !== loggedName(table)) {
    throw new ConfigurationError(
      `the name ${JSON.stringify(name)} belongs to a subscription to ${taken}; choose another`,
      { details: { name } },
    );
  }
}
