import type { DataStoreInternals } from '@intendant/core/internal';
import type pg from 'pg';
import { serviceQuery } from '../service-query.ts';

/** The log's id and the channel of its announcements. */
export interface LogIdentity {
  readonly logId: string;
  readonly channel: string;
}

/** The result of a check, and what was announced. */
export interface AnnouncedCheck {
  /** The last number that a writer had taken. */
  readonly noted: number;
  /** Virtual transactions that held the log's lock; undefined if the locks were not read. */
  readonly holders: ReadonlySet<string> | undefined;
  /** Number of writers that were open; of numbers that were missing if the locks were not read. */
  readonly openWriters: number;
  /** Number of writers that wait for the lock on the queue of notifications; 0 if the locks were not read. */
  readonly queue: number;
  readonly payloads: readonly string[];
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
  readonly holders: string[] | null;
  readonly open: number;
  readonly queue: number | null;
  readonly payloads: string[];
}

export interface CheckRequest {
  /** SQL that runs first, in the same round trip. */
  readonly before: string;
  /** The number up to which the log was announced. */
  readonly after: number;
  /** Announces even if nothing is new. */
  readonly isForced: boolean;
  /** Reads the locks even if no number is missing. */
  readonly needsHolders: boolean;
  /** The previous check found that a number was missing. */
  readonly hadGap: boolean;
}

/** Checks, and in the same round trip announces what is settled at once. */
export async function checkLog(
  client: pg.ClientBase,
  identity: LogIdentity,
  request: CheckRequest,
): Promise<AnnouncedCheck> {
  const { before, after, isForced, needsHolders, hadGap } = request;
  const { logId, channel } = identity;
  const values = [channel, logId, after, isForced, needsHolders, hadGap];
  const result = await (before === ''
    ? client.query<CheckRow>({ name: 'check-log', text: checkWith('$1, $2, $3, $4, $5, $6'), values })
    : checkAfter(client, before, values));
  const [{ noted, holders, open, queue, payloads }] = result.rows as [CheckRow];
  return {
    noted: Number(noted),
    holders: holders === null ? undefined : new Set(holders),
    openWriters: open,
    queue: queue ?? 0,
    payloads,
  };
}

/** As JSON, because an array's text would be parsed character by character. */
const checkWith = (values: string): string =>
  `select noted, holders, open_writers as open, queue, to_json(payloads) as payloads from intendant.check_log(${values})`;

/** Uses literals, because only a simple query may contain several statements. None of the values comes from outside. */
async function checkAfter(
  client: pg.ClientBase,
  before: string,
  values: readonly (string | number | boolean)[],
): Promise<pg.QueryResult<CheckRow>> {
  const literals = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)));
  const results = (await client.query(
    `${before}${checkWith(literals.join(', '))}`,
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
    text: 'select to_json(intendant.announce($1, $2, $3, $4, $5, false)) as payloads',
    values: [channel, logId, after, settled, last],
  });
  return rows[0]?.payloads ?? [];
}
