import { type Executor, quoteIdentifier } from '@intendant/core/internal';
import { STATUS_WEIGHTS } from '@intendant/realization';
import type { Access, ReadableTable } from '../caller/access.ts';
import type { ResourceKey } from '../resource/resource-key.ts';
import { scopedQuery } from '../scoped-query.ts';

/** A resource that failed at a point. */
export interface PointError {
  readonly table: ReadableTable;
  readonly key: ResourceKey;
  readonly point: string;
  readonly message: string;
  readonly since: Date;
}

const SHOWN = 10;

/** The newest errors of all tables, at most ten. */
export async function readNewestErrors(executor: Executor, { tables }: Access): Promise<PointError[]> {
  const found = await Promise.all(tables.map((table) => newestErrorsIn(executor, table)));
  return found
    .flat()
    .sort((a, b) => b.since.getTime() - a.since.getTime())
    .slice(0, SHOWN);
}

async function newestErrorsIn(executor: Executor, table: ReadableTable): Promise<PointError[]> {
  const statement = { name: 'newest-errors', text: newestErrorsSql(table) };
  const rows = await scopedQuery(executor, table.scope, 'newest errors', statement);
  return rows.map(([key, point, message, since]) => ({
    table,
    key: readKey(table, JSON.parse(key as string) as string[]),
    point: point as string,
    message: message as string,
    since: new Date(since as string),
  }));
}

const newestErrorsSql = ({ overall, enforcement }: ReadableTable): string => `
  select to_json(array[${overall.identity.map(({ name }) => `e.${quoteIdentifier(name)}::text`).join(', ')}]),
    e.enforcement_point_id, e.additional_details, e.updated_at::text
  from ${enforcement.qualifiedName} e
  where e.realization_status = ${STATUS_WEIGHTS.ERROR}
  order by e.updated_at desc
  limit ${SHOWN}`;

const readKey = ({ overall }: ReadableTable, texts: readonly string[]): ResourceKey =>
  Object.fromEntries(
    overall.identity.map(({ field, format }, index) => [field, format.decode(texts[index] as string)]),
  );
