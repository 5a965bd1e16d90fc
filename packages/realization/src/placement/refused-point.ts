import { InvalidRecordError } from '@intendant/core';
import { quoteLiteral } from '@intendant/core/internal';
import type { StatusTables } from '../resource/status-tables.ts';
import { REMOVED_POINT_SQLSTATE } from '../status/removed-point.ts';
import { isSilent } from '../status/stale-point.ts';
import { nearSpellings } from './near-spellings.ts';
import { pointTableName } from './selector.ts';

/**
 * An intent at a point without workers stays PENDING for ever, and a misspelt name has this effect. So an intent is
 * refused at a point that was removed, is stale, or is unknown although the table has registered points. If no point is
 * registered for the table, every name is accepted, because workers without labels need no registration.
 */

/** Raised for an intent at a point that is stale or not registered. */
const UNSERVED_POINT_SQLSTATE = 'IN413';

/** The most names of registered points that an error lists. */
const MAX_LISTED = 10;
const MAX_KNOWN = 1000;

/** Whether `refuse_point` must be called for the point with this id, in SQL. False for live points. */
export const mayRefusePoint = (tables: StatusTables, id: string): string => `(
        not exists (select from intendant.enforcement_point p where p.id = ${id} and p.state = 'live' and not ${isSilent('p')})
        and exists (
          select from intendant.enforcement_point p
          where p.id = ${id} or p.state = 'live' and ${quoteLiteral(pointTableName(tables))} = any (p.table_names)
        ))`;

/**
 * SQL that returns the point's id, or raises the reason why no intent may be placed there. With `allowsUnknown`, only
 * removed points are refused.
 */
export const refusePoint = (tables: StatusTables, id: string, allowsUnknown: string): string =>
  `intendant.refuse_point(${id}, ${quoteLiteral(pointTableName(tables))}, ${allowsUnknown})`;

/** Runs with the owner's rights, because callers cannot read which workers serve a point. */
export const REFUSE_POINT = `
create or replace function intendant.refuse_point(point text, table_name text, allows_unknown boolean) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $body$
declare
  known record;
begin
  select p.state, p.heartbeat_at, ${isSilent('p')} as is_stale into known
  from intendant.enforcement_point p where p.id = point;
  if known.state = 'removed' then return intendant.refuse_removed_point(point); end if;
  if allows_unknown or known.state = 'live' and not known.is_stale then return point; end if;
  if known.state is null and exists (
    select from intendant.point_worker w where w.point_id = point and not (${isSilent('w')})
  ) then return point; end if;
  raise exception 'enforcement point % is not served', point using errcode = '${UNSERVED_POINT_SQLSTATE}',
    detail = jsonb_build_object('point', point, 'heartbeatAt', known.heartbeat_at, 'known', (
      select coalesce(jsonb_agg(k.id order by k.id), '[]') from (
        select p.id from intendant.enforcement_point p
        where p.state = 'live' and table_name = any (p.table_names) order by p.id limit ${MAX_KNOWN}
      ) k))::text;
end
$body$`;

interface Refusal extends Error {
  readonly code: string;
  readonly detail: string;
}

/**
 * Runs the callback, and throws InvalidRecordError if the database refuses a point. In a transaction, the callback must
 * include the whole transaction's statement: the error that leaves the transaction no longer has the details.
 */
export async function explainingPoints<Result>(tables: StatusTables, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    throw isRefusal(error) ? pointRefusal(tables, error) : error;
  }
}

const isRefusal = (error: unknown): error is Refusal =>
  error instanceof Error &&
  'code' in error &&
  [REMOVED_POINT_SQLSTATE, UNSERVED_POINT_SQLSTATE].includes(String(error.code));

function pointRefusal({ resource: { name: table } }: StatusTables, refusal: Refusal): InvalidRecordError {
  const { point, reason, details } = describeRefusal(refusal);
  return new InvalidRecordError(`persistIntent ${table}: ${reason}`, {
    details: { table, enforcementPoint: point, ...details },
    cause: refusal,
  });
}

interface DescribedRefusal {
  readonly point: string;
  readonly reason: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

function describeRefusal({ code, detail }: Refusal): DescribedRefusal {
  if (code === REMOVED_POINT_SQLSTATE)
    return { point: detail, reason: `the enforcement point ${detail} was removed; name another, or add it again` };
  const { point, heartbeatAt, known } = JSON.parse(detail) as {
    point: string;
    heartbeatAt: string | null;
    known: string[];
  };
  return heartbeatAt === null ? unknownPoint(point, known) : stalePoint(point, new Date(heartbeatAt));
}

const unknownPoint = (point: string, known: readonly string[]): DescribedRefusal => ({
  point,
  reason: `there is no enforcement point ${JSON.stringify(point)}; ${suggestion(point, known)} To place the intent there before a worker serves the point, give allowUnknownPoints: true`,
  details: { pointState: 'unregistered' },
});

const stalePoint = (point: string, heartbeatAt: Date): DescribedRefusal => ({
  point,
  reason: `the enforcement point ${JSON.stringify(point)} is stale: no worker has served it since ${heartbeatAt.toISOString()}; start its worker, or give allowUnknownPoints: true to place the intent there nevertheless`,
  details: { pointState: 'stale', heartbeatAt },
});

function suggestion(point: string, known: readonly string[]): string {
  const near = nearSpellings(point, known);
  if (near.length > 0) return `did you mean ${near.map((id) => JSON.stringify(id)).join(' or ')}?`;
  const listed = known.slice(0, MAX_LISTED).map((id) => JSON.stringify(id));
  const rest = known.length - listed.length;
  return `the registered points are ${listed.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}.`;
}
