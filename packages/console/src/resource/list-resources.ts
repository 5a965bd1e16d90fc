import { type Executor, quoteIdentifier, readRow, type StatementResult } from '@intendant/core/internal';
import type { Status } from '@intendant/realization';
import type { ReadableTable } from '../caller/access.ts';
import { RefusedRequest } from '../http/problem.ts';
import { filterCondition, sameResource, Values } from './filter-condition.ts';
import type { ResourceFilter } from './resource-filter.ts';
import type { ResourceKey } from './resource-key.ts';
import { statusOfWeight } from './status-of-weight.ts';

/** A resource with its statuses, as a list shows it. */
export interface ListedResource {
  readonly key: ResourceKey;
  /** Undefined: the row is gone, its statuses are still there. */
  readonly record: Readonly<Record<string, unknown>> | undefined;
  readonly status: Status;
  readonly message: string;
  readonly revision: number;
  readonly since: Date;
  /** How many points have which status. */
  readonly counts: Readonly<Partial<Record<Status, number>>>;
  /** The most severe first, at most `MAX_CELLS`. */
  readonly cells: readonly { readonly point: string; readonly status: Status }[];
}

export interface ResourcePage {
  readonly resources: readonly ListedResource[];
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined;
}

/** Points of one resource that a list tells of, at most. */
const MAX_CELLS = 200;

/** Resources in the order of org, instance and key. */
export async function listResources(
  executor: Executor,
  table: ReadableTable,
  filter: ResourceFilter,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<ResourcePage> {
  const values = new Values();
  const condition = filterCondition(table, filter, values);
  const beyond = after === undefined ? 'true' : isBeyond(table, after, values);
  const [found] = await executor.run(table.scope, [
    { text: listSql(table, `${condition} and ${beyond}`, limit + 1), values: values.list },
  ]);
  const rows = (found as StatementResult).rows;
  const resources = rows.slice(0, limit).map((row) => readListed(table, row));
  const last = resources.at(-1);
  return { resources, next: rows.length > limit && last ? printCursor(table, last.key) : undefined };
}

/** How many resources match. */
export async function countResources(
  executor: Executor,
  table: ReadableTable,
  filter: ResourceFilter,
): Promise<number> {
  const values = new Values();
  const condition = filterCondition(table, filter, values);
  const text = `select count(*) from ${joined(table)} where ${condition}`;
  const [found] = await executor.run(table.scope, [{ text, values: values.list }]);
  return Number((found as StatementResult).rows[0]?.[0]);
}

const joined = (table: ReadableTable): string =>
  `${table.overall.qualifiedName} o left join ${table.resource.qualifiedName} r on ${sameResource(table, 'r', 'o')}`;

/** Cells are read for the page alone, not for all that match. */
function listSql(table: ReadableTable, condition: string, limit: number): string {
  const identity = table.overall.identity.map(({ name }) => `o.${quoteIdentifier(name)}`).join(', ');
  const same = sameResource(table, 'e', 'o');
  return `
    select to_json(array[${table.overall.identity.map(({ name }) => `o.${quoteIdentifier(name)}::text`).join(', ')}]),
      o.realization_status, o.additional_details, o.resource_revision, o.updated_at::text, counted.by_status, cells.list,
      (r.created_at is not null)::text, ${table.resource.columns.map(({ name }) => `r.${quoteIdentifier(name)}`).join(', ')}
    from (select o.* from ${joined(table)} where ${condition} order by ${identity} limit ${limit}) o
    left join ${table.resource.qualifiedName} r on ${sameResource(table, 'r', 'o')}
    cross join lateral (
      select json_object_agg(by_status.status, by_status.points) as by_status from (
        select e.realization_status as status, count(*) as points from ${table.enforcement.qualifiedName} e
        where ${same} group by 1
      ) by_status
    ) counted
    cross join lateral (
      select json_agg(json_build_array(cell.point, cell.status)) as list from (
        select e.enforcement_point_id as point, e.realization_status as status from ${table.enforcement.qualifiedName} e
        where ${same} order by 2 desc, 1 limit ${MAX_CELLS}
      ) cell
    ) cells
    order by ${identity}`;
}

const IDENTITY = 0;
const RECORD = 8;

function readListed(table: ReadableTable, row: readonly (string | null)[]): ListedResource {
  const [, weight, message, revision, since, byStatus, cells, isThere] = row as readonly string[];
  return {
    key: readKey(table, JSON.parse(row[IDENTITY] as string) as string[]),
    record: isThere === 'true' ? readRow(table.resource, row.slice(RECORD)) : undefined,
    status: statusOfWeight(Number(weight)),
    message: message as string,
    revision: Number(revision),
    since: new Date(since as string),
    counts: readCounts(byStatus),
    cells: readCells(cells),
  };
}

function readKey({ overall }: ReadableTable, texts: readonly string[]): ResourceKey {
  return Object.fromEntries(
    overall.identity.map((column, index) => [column.field, column.format.decode(texts[index] as string)]),
  );
}

function readCounts(json: string | null | undefined): ListedResource['counts'] {
  const counts = Object.entries(JSON.parse(json ?? 'null') ?? {}) as [string, number][];
  return Object.fromEntries(counts.map(([weight, points]) => [statusOfWeight(Number(weight)), points]));
}

function readCells(json: string | null | undefined): ListedResource['cells'] {
  const cells = (JSON.parse(json ?? 'null') ?? []) as [string, number][];
  return cells.map(([point, weight]) => ({ point, status: statusOfWeight(weight) }));
}

/** The place after a resource: its identity, as JSON in base64url. */
const printCursor = ({ overall }: ReadableTable, key: ResourceKey): string =>
  Buffer.from(
    JSON.stringify(overall.identity.map(({ field, format }) => cursorText(format.encode(key[field])))),
  ).toString('base64url');

const cursorText = (value: unknown): string => (Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : String(value));

function isBeyond({ overall }: ReadableTable, after: string, values: Values): string {
  const texts = readCursor(after);
  if (texts.length !== overall.identity.length) throw noCursor();
  const names = overall.identity.map(({ name }) => `o.${quoteIdentifier(name)}`);
  const places = overall.identity.map(({ format }, index) => {
    try {
      format.encode(format.decode(texts[index] as string));
    } catch {
      throw noCursor();
    }
    return `${values.add(texts[index] as string)}::${format.sqlType}`;
  });
  return `(${names.join(', ')}) > (${places.join(', ')})`;
}

function readCursor(after: string): string[] {
  try {
    const found: unknown = JSON.parse(Buffer.from(after, 'base64url').toString());
    if (Array.isArray(found) && found.every((text) => typeof text === 'string')) return found;
  } catch {
    // Refused below.
  }
  throw noCursor();
}

const noCursor = (): RefusedRequest =>
  new RefusedRequest(400, 'after is no cursor of this list. Use the value of next, or leave it out.');
