import type { ResultSet, Statement, StatementResult, StatementSet } from '@intendant/core/internal';
import { arrayLiteral } from '@intendant/core/internal';
import type { Labels } from '../placement/selector.ts';
import { readTime } from '../resource/json-time.ts';

/** Whether the point is served (`live`), has sent no heartbeat for some time (`stale`), or was removed. */
export type PointState = 'live' | 'stale' | 'removed';

/** A registered point: a place where intents are realized. */
export interface EnforcementPoint {
  /** The point's id. */
  readonly id: string;
  /** The labels that selectors are compared with. */
  readonly labels: Labels;
  /** The tables whose resources may be placed there, with their schema: `public.vm`. */
  readonly tables: readonly string[];
  /**
   * `stale`: no heartbeat for `staleAfterMs`; selectors still place intents there. Nothing is placed at a
   * point that was `removed`.
   */
  readonly state: PointState;
  /** When the point was registered, or registered again after its removal. */
  readonly announcedAt: Date;
  /** When a worker or announcement there last sent a heartbeat. */
  readonly heartbeatAt: Date;
}

/** The fields to write. Undefined: unchanged, or none for a new point. */
export interface PointEntry {
  readonly id: string;
  readonly labels: Labels | undefined;
  readonly tables: readonly string[];
  /** How long after its last heartbeat the point counts as stale. */
  readonly staleAfterMs: number;
}

export type Run = <Statements extends StatementSet>(statements: Statements) => Promise<ResultSet<Statements>>;

/** A point before and after a change. */
export interface WrittenPoint {
  readonly before: EnforcementPoint | undefined;
  readonly now: EnforcementPoint;
}

/** Checks a point before it is changed, with its row locked. If it throws, the point is not changed. */
type CheckChange = (before: EnforcementPoint) => Promise<void>;

/** Registers a new point, adds tables and replaces labels of a live one, and does not change a removed one. */
export const announcePoint = (run: Run, entry: PointEntry, checkChange: CheckChange): Promise<WrittenPoint> =>
  write(run, entry, ANNOUNCE, checkChange);

/** Stores a point as given, also one that was removed before. */
export const replacePoint = (run: Run, entry: PointEntry, checkChange: CheckChange): Promise<WrittenPoint> =>
  write(run, entry, REPLACE, checkChange);

async function write(run: Run, entry: PointEntry, update: string, checkChange: CheckChange): Promise<WrittenPoint> {
  const { id, labels, tables, staleAfterMs } = entry;
  const values = [
    id,
    labels === undefined ? null : JSON.stringify(labels),
    arrayLiteral([...new Set(tables)].sort()),
    String(staleAfterMs),
  ];
  const { entered, locked } = await run({
    entered: { name: 'enter-point', text: REGISTER_POINT, values },
    locked: { name: 'lock-point', text: `${SELECT_POINTS} where id = $1 for update`, values: [id] },
  });
  const found = readPoint(locked.rows[0]);
  if (entered.rowCount === 1) return { before: undefined, now: found };
  await checkChange(found);
  const { updated } = await run({ updated: { name: 'update-point', text: update, values } });
  const [row] = updated.rows;
  return { before: found, now: row ? readPoint(row) : found };
}

/** The state of a registered point, in SQL. */
const POINT_STATE = `
  case when state = 'live' and heartbeat_at < clock_timestamp() - stale_after_ms * interval '1 ms' then 'stale' else state end`;

const COLUMNS = `id, labels, array_to_json(table_names), ${POINT_STATE}, to_json(announced_at), to_json(heartbeat_at)`;
const SELECT_POINTS = `select ${COLUMNS} from intendant.enforcement_point`;

const REGISTER_POINT = `
  insert into intendant.enforcement_point (id, labels, table_names, stale_after_ms)
  values ($1, coalesce($2::jsonb, '{}'), $3::text[], $4::double precision)
  on conflict do nothing`;

const ANNOUNCE = `
  update intendant.enforcement_point
  set labels = coalesce($2::jsonb, labels), heartbeat_at = clock_timestamp(), stale_after_ms = $4::double precision,
    table_names = array(select distinct name from unnest(table_names || $3::text[]) as name order by name)
  where id = $1 and state = 'live'
  returning ${COLUMNS}`;

const REPLACE = `
  update intendant.enforcement_point
  set labels = coalesce($2::jsonb, labels), table_names = $3::text[], heartbeat_at = clock_timestamp(),
    stale_after_ms = $4::double precision,
    announced_at = case when state = 'live' then announced_at else clock_timestamp() end, state = 'live'
  where id = $1
  returning ${COLUMNS}`;

/** Returns the removed point; undefined when it is not registered. */
export async function removePoint(run: Run, id: string): Promise<EnforcementPoint | undefined> {
  const { removed } = await run({ removed: { name: 'remove-point', text: REMOVE, values: [id] } });
  const [row] = removed.rows;
  return row && readPoint(row);
}

const REMOVE = `update intendant.enforcement_point set state = 'removed' where id = $1 returning ${COLUMNS}`;

export async function listPoints(run: Run): Promise<EnforcementPoint[]> {
  const { found } = await run({ found: { name: 'list-points', text: `${SELECT_POINTS} order by id` } });
  return found.rows.map(readPoint);
}

/** Returns the states of these points, without those that are not registered. */
export const pointStates = (ids: readonly string[]): Statement => ({
  name: 'point-states',
  text: `select id, ${POINT_STATE} from intendant.enforcement_point where id = any ($1::text[])`,
  values: [arrayLiteral(ids)],
});

export const statesOf = ({ rows }: StatementResult): Map<string, PointState> =>
  new Map(rows.map(([id, state]) => [String(id), state as PointState]));

function readPoint(row: readonly (string | null)[] | undefined): EnforcementPoint {
  const [id, labels, tables, state, announcedAt, heartbeatAt] = row as string[];
  return {
    id: String(id),
    labels: JSON.parse(String(labels)) as Labels,
    tables: JSON.parse(String(tables)) as string[],
    state: state as EnforcementPoint['state'],
    announcedAt: readTime(announcedAt),
    heartbeatAt: readTime(heartbeatAt),
  };
}
