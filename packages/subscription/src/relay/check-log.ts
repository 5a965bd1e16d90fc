import type { DataStoreInternals } from '@intendant/core/internal';
import type pg from 'pg';
import type { LogCheck } from '../log/settled.ts';
import { serviceQuery } from '../service-query.ts';

/** The log's id and the channel of its announcements. */
export interface LogIdentity {
  readonly logId: string;
  readonly channel: string;
}

/** The result of a check, and what was announced. */
export interface AnnouncedCheck extends LogCheck {
  readonly payloads: readonly string[];
  /** Number of writers that wait for the lock on the queue of notifications. */
  readonly queue: number;
}

/** Returns the channel of the log's announcements. */
export async function readChannel(internals: DataStoreInternals): Promise<string> {
  const { rows } = await serviceQuery<{ channel: string }>(internals, 'select channel from intendant.announcement');
  return rows[0]?.channel as string;
}

/** Stores that the log is settled up to this number, under the server's timeline. */
export async function noteTimeline(client: pg.ClientBase, settled: number): Promise<void> {
  await client.query('select intendant.begin_timeline($1)', [settled]);
}

/** Reads the log's id and the channel of its announcements. */
export async function readLogIdentity(client: pg.ClientBase): Promise<LogIdentity> {
  const { rows } = await client.query<LogIdentity>(
    'select i.id as "logId", a.channel from intendant.change_log_identity i, intendant.announcement a',
  );
  return rows[0] as LogIdentity;
}

interface CheckRow {
  readonly noted: string;
  readonly holders: string[];
  readonly queue: number;
  readonly payloads: string[];
}

/**
 * Checks, and in the same round trip announces what is settled at once. With `isForced` it announces even if nothing is
 * new. `before` is SQL that runs first.
 */
export async function checkLog(
  client: pg.ClientBase,
  identity: LogIdentity,
  { before, after, isForced }: { before: string; after: number; isForced: boolean },
): Promise<AnnouncedCheck> {
  const result = await (before === ''
    ? client.query<CheckRow>({
        name: 'check-log',
        text: CHECK_LOG,
        values: [identity.channel, identity.logId, after, isForced],
      })
    : checkLogAfter(client, identity, { before, after, isForced }));
  const [{ noted, holders, queue, payloads }] = result.rows as [CheckRow];
  return { noted: Number(noted), holders: new Set(holders), queue, payloads };
}

/** The function's name in the database stays `look`: databases of earlier versions have it. */
const CHECK_LOG = 'select noted, holders, queue, payloads from intendant.look($1, $2, $3, $4)';

/** Uses literals, because only a simple query may contain several statements. None of the values comes from outside. */
async function checkLogAfter(
  client: pg.ClientBase,
  { logId, channel }: LogIdentity,
  { before, after, isForced }: { before: string; after: number; isForced: boolean },
): Promise<pg.QueryResult<CheckRow>> {
  const results = (await client.query(
    `${before}select noted, holders, queue, payloads from intendant.look('${channel}', '${logId}', ${after}, ${isForced})`,
  )) as unknown as pg.QueryResult<CheckRow>[];
  return results.at(-1) as pg.QueryResult<CheckRow>;
}

/** Announces what the check proved settled but did not announce itself. */
export async function announce(
  client: pg.ClientBase,
  { logId, channel }: LogIdentity,
  { after, settled, last }: { after: number; settled: number; last: number },
): Promise<readonly string[]> {
  const { rows } = await client.query<{ payloads: string[] }>({
    name: 'announce',
    text: 'select intendant.announce($1, $2, $3, $4, $5, false) as payloads',
    values: [channel, logId, after, settled, last],
  });
  return rows[0]?.payloads ?? [];
}
