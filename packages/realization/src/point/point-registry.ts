import type { Statement, StatementResult } from '@intendant/core/internal';
import { arrayLiteral } from '@intendant/core/internal';
import type { Labels } from '../placement/selector.ts';

/** A place where intents are made true, as it is registered. */
export interface EnforcementPoint {
  readonly id: string;
  readonly labels: Labels;
  /** The tables whose resources may be placed there, with their schema: `public.vm`. */
  readonly tables: readonly string[];
  /** Nothing is placed at a point that was removed. */
  readonly state: 'live' | 'removed';
  readonly announcedAt: Date;
  /** When somebody there last said so. */
  readonly heartbeatAt: Date;
}

/** What is to be written of a point. Undefined: as it is, or none. */
export interface PointEntry {
  readonly id: string;
  readonly labels: Labels | undefined;
  readonly tables: readonly string[];
}

type Run = (statements: readonly Statement[]) => Promise<StatementResult[]>;

/** A point as it was before and as it is now. */
export interface WrittenPoint {
  readonly before: EnforcementPoint | undefined;
  readonly now: EnforcementPoint;
}

/** Enters a point that is new, adds tables and replaces labels of one that is live, and leaves one that was removed. */
export const announcePoint = (run: Run, entry: PointEntry): Promise<WrittenPoint> => write(run, entry, ANNOUNCE);

/** Enters a point as it is given here, also one that was removed. */
export const replacePoint = (run: Run, entry: PointEntry): Promise<WrittenPoint> => write(run, entry, REPLACE);

async function write(run: Run, { id, labels, tables }: PointEntry, update: string): Promise<WrittenPoint> {
  const values = [id, labels === undefined ? null : JSON.stringify(labels), arrayLiteral([...new Set(tables)].sort())];
  const [entered, before] = await run([
    { name: 'enter-point', text: ENTER, values },
    { name: 'lock-point', text: `${SELECT_POINTS} where id = $1 for update`, values: [id] },
  ]);
  const found = readPoint((before as StatementResult).rows[0]);
  if ((entered as StatementResult).rowCount === 1) return { before: undefined, now: found };
  const [updated] = await run([{ name: 'update-point', text: update, values }]);
  const row = (updated as StatementResult).rows[0];
  return { before: found, now: row ? readPoint(row) : found };
}

const COLUMNS = 'id, labels, array_to_json(table_names), state, announced_at::text, heartbeat_at::text';
const SELECT_POINTS = `select ${COLUMNS} from intendant.enforcement_point`;

const ENTER = `
  insert into intendant.enforcement_point (id, labels, table_names) values ($1, coalesce($2::jsonb, '{}'), $3::text[])
  on conflict do nothing`;

const ANNOUNCE = `
  update intendant.enforcement_point
  set labels = coalesce($2::jsonb, labels), heartbeat_at = clock_timestamp(),
    table_names = array(select distinct name from unnest(table_names || $3::text[]) as name order by name)
  where id = $1 and state = 'live'
  returning ${COLUMNS}`;

const REPLACE = `
  update intendant.enforcement_point
  set labels = coalesce($2::jsonb, labels), table_names = $3::text[], heartbeat_at = clock_timestamp(),
    announced_at = case when state = 'live' then announced_at else clock_timestamp() end, state = 'live'
  where id = $1
  returning ${COLUMNS}`;

/** Answers the point as it was removed; undefined when it is not registered. */
export async function removePoint(run: Run, id: string): Promise<EnforcementPoint | undefined> {
  const [removed] = await run([{ name: 'remove-point', text: REMOVE, values: [id] }]);
  const row = (removed as StatementResult).rows[0];
  return row && readPoint(row);
}

const REMOVE = `update intendant.enforcement_point set state = 'removed' where id = $1 returning ${COLUMNS}`;

export async function listPoints(run: Run): Promise<EnforcementPoint[]> {
  const [found] = await run([{ name: 'list-points', text: `${SELECT_POINTS} order by id` }]);
  return (found as StatementResult).rows.map(readPoint);
}

/** Says that the point is there. */
export const heartbeat = (id: string): Statement => ({
  name: 'point-heartbeat',
  text: 'update intendant.enforcement_point set heartbeat_at = clock_timestamp() where id = $1',
  values: [id],
});

function readPoint(row: readonly (string | null)[] | undefined): EnforcementPoint {
  const [id, labels, tables, state, announcedAt, heartbeatAt] = row as string[];
  return {
    id: id as string,
    labels: JSON.parse(labels as string) as Labels,
    tables: JSON.parse(tables as string) as string[],
    state: state as EnforcementPoint['state'],
    announcedAt: new Date(announcedAt as string),
    heartbeatAt: new Date(heartbeatAt as string),
  };
}
