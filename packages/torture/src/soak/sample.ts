import { readdirSync, readFileSync } from 'node:fs';
import type pg from 'pg';
import type { Role } from '../world/cast.ts';
import { asSuperuser, type World } from '../world/world.ts';

/** The values of one moment, by the name of the series, e.g. `memory of a worker`. */
export type Sample = ReadonlyMap<string, number>;

/** What a series shows. */
export interface Series {
  readonly name: string;
  readonly unit: string;
  /** The last quarter of the run may be this many times the second one. Undefined: it grows with what is kept. */
  readonly mayGrowTo?: number;
}

const ROLES: readonly Role[] = ['service', 'worker', 'subscriber', 'maintenance'];

/** Tables by what happens to their rows. The resources of the run are always the same, so only logs may grow. */
const TABLES = {
  'resources and statuses': { where: `c.relname ~ '(^|status_)(vm|sign)$'`, mayGrowTo: 1.5 },
  jobs: { where: `n.nspname = 'intendant_jobs'`, mayGrowTo: 1.5 },
  'counts not added up yet': { where: `c.relname in ('status_change', 'status_count')`, mayGrowTo: 2 },
  'change log': { where: `c.relname ~ '^change_log_'` },
  history: { where: `c.relname = 'status_history'` },
} as const;

const TABLE_GROUPS = Object.entries<{ readonly where: string; readonly mayGrowTo?: number }>(TABLES);

export const SERIES: readonly Series[] = [
  ...ROLES.map((role) => ({ name: `memory of a ${role}`, unit: 'MB', mayGrowTo: 1.3 })),
  ...ROLES.map((role) => ({ name: `handles of a ${role}`, unit: 'open files', mayGrowTo: 1.3 })),
  { name: 'connections', unit: 'connections', mayGrowTo: 1.2 },
  ...TABLE_GROUPS.flatMap(([name, { mayGrowTo }]) =>
    ['table', 'indexes'].map((part) => ({
      name: `${name}: ${part}`,
      unit: 'MB',
      ...(mayGrowTo !== undefined && { mayGrowTo }),
    })),
  ),
];

const SIZES = `
  select ${TABLE_GROUPS.map(
    ([name, { where }]) => `
    sum(pg_table_size(c.oid)) filter (where ${where}) / 1048576.0 as "${name}: table",
    sum(pg_indexes_size(c.oid)) filter (where ${where}) / 1048576.0 as "${name}: indexes"`,
  ).join(', ')},
    (select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()) as connections
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r'`;

/** Reads all series. The largest process of a role counts. */
export async function takeSample(world: World): Promise<Sample> {
  const sample = new Map<string, number>();
  const keepLargest = (name: string, value: number) => sample.set(name, Math.max(sample.get(name) ?? 0, value));
  for (const { role, pid } of world.cast.members()) {
    keepLargest(`memory of a ${role}`, residentMegabytes(pid));
    keepLargest(`handles of a ${role}`, openFiles(pid));
  }
  for (const [name, value] of Object.entries(await asSuperuser(world, readSizes))) sample.set(name, Number(value));
  return sample;
}

const readSizes = async (client: pg.Client): Promise<Record<string, unknown>> => (await client.query(SIZES)).rows[0];

/** The memory of a process on Linux; 0 if it has ended. */
export function residentMegabytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}
