import type { DataStoreInternals } from '@intendant/core/internal';
import type pg from 'pg';
import { DOORBELL_LOCK } from '../log/names.ts';
import type { Look } from '../log/settled.ts';
import { serviceQuery } from '../service-query.ts';

export const TAKE_DOORBELL = `select pg_advisory_lock(${DOORBELL_LOCK});`;
export const RELEASE_DOORBELL = `select pg_advisory_unlock(${DOORBELL_LOCK});`;

/** The log, and where announcements go. */
export interface LogIdentity {
  readonly logId: string;
  readonly channel: string;
}

/** A look, and what it announced: where no writer was open, the log is settled as far as was noted. */
export interface AnnouncedLook extends Look {
  readonly payloads: readonly string[];
}

/** The channel of the announcements. */
export async function readChannel(internals: DataStoreInternals): Promise<string> {
  const { rows } = await serviceQuery<{ channel: string }>(internals, 'select channel from intendant.announcement');
  return rows[0]?.channel as string;
}

export async function readLogIdentity(client: pg.ClientBase): Promise<LogIdentity> {
  const { rows } = await client.query<LogIdentity>(
    'select i.id as "logId", a.channel from intendant.change_log_identity i, intendant.announcement a',
  );
  return rows[0] as LogIdentity;
}

/**
 * Looks, and announces in the same round trip what is settled at once, or, if `isForced`, that nothing is new. What is to
 * be done before the look goes along.
 */
export async function look(
  client: pg.ClientBase,
  { logId, channel }: LogIdentity,
  { before, after, isForced }: { before: string; after: number; isForced: boolean },
): Promise<AnnouncedLook> {
  // Literals, since only a simple query takes several statements; none of them comes from outside.
  const results = (await client.query(
    `${before}select noted, holders, payloads from intendant.look('${channel}', '${logId}', ${after}, ${isForced})`,
  )) as unknown as pg.QueryResult | pg.QueryResult[];
  const { rows } = [results].flat().at(-1) as pg.QueryResult<{
    noted: string;
    holders: string[];
    payloads: string[] | null;
  }>;
  const [{ noted, holders, payloads }] = rows as [(typeof rows)[number]];
  return { noted: Number(noted), holders: new Set(holders), payloads: payloads ?? [] };
}

/** Announces what became settled in between two looks. */
export async function announce(
  client: pg.ClientBase,
  { logId, channel }: LogIdentity,
  { after, settled, last }: { after: number; settled: number; last: number },
): Promise<readonly string[]> {
  const { rows } = await client.query<{ payloads: string[] }>({
    name: 'announce',
    text: 'select intendant.announce($1, $2, $3, $4, $5) as payloads',
    values: [channel, logId, after, settled, last],
  });
  return rows[0]?.payloads ?? [];
}
