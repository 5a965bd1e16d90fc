import { type AnyTable, InvalidRecordError } from '@intendant/core';
import {
  afterCondition,
  type Column,
  type FilterTarget,
  filterCondition,
  orderTerms,
  Parameters,
  quoteIdentifier,
  type Scope,
} from '@intendant/core/internal';
import { identitySql } from '../resource/identity-set.ts';
import { identityOf } from '../resource/resource-identity.ts';
import { readFirst } from '../resource/resource-rows.ts';
import { keyTable, POINT_COLUMN, type StatusTables } from '../resource/status-tables.ts';
import type { CheckedFilter, ResourceOrder } from './resource-filter.ts';

/*
 * A page of resources is read from status rows: those at one point, or the overall ones. No index contains the status
 * (status-storage-schema.ts says why), so rows are read in the order of their key until the page is full.
 */

/** A query under construction, with its parameters. */
export interface PageRequest {
  readonly tables: StatusTables;
  readonly scope: Scope;
  readonly filter: CheckedFilter;
  readonly orderBy: ResourceOrder<AnyTable> | undefined;
  readonly after: unknown;
  readonly limit: number;
}

export interface PageSql {
  /** A query of the columns of the identity, `since` and `place`, which is the row's place in the order. */
  readonly text: string;
  readonly parameters: Parameters;
}

interface Draft extends PageRequest {
  readonly into: FilterTarget;
}

export function pageSql(request: PageRequest): PageSql {
  const parameters = new Parameters();
  const into = { table: request.tables.resource, scope: request.scope, parameters };
  return { text: orderedSql({ ...request, into }), parameters };
}

function orderedSql(draft: Draft): string {
  const { orderBy } = draft;
  if (orderBy === undefined) return byKey(draft);
  if (orderBy === 'oldest' || orderBy === 'newest') return bySince(draft, orderBy === 'oldest');
  if (typeof orderBy === 'string')
    throw new InvalidRecordError("list: orderBy must name columns, or be 'oldest' or 'newest'");
  return byColumns(draft);
}

/** Returns the number of resources that match the filter, as one query. */
export function countSql(tables: StatusTables, scope: Scope, filter: CheckedFilter): PageSql {
  const parameters = new Parameters();
  const request = { tables, scope, filter, orderBy: undefined, after: undefined, limit: 0 };
  const draft = { ...request, into: { table: tables.resource, scope, parameters } };
  const { from, conditions } = source(draft, filter.where === undefined ? [] : [whereOf(draft)]);
  return { text: `select count(*) from ${from} where ${[...conditions, statusIn(draft)].join(' and ')}`, parameters };
}

const SINCE = `date_trunc('milliseconds', s.updated_at)`;

function byKey(draft: Draft): string {
  const { tables, filter, after, limit, into } = draft;
  const keys = identitySql(tables.overall).of('s');
  const { from, conditions } = source(draft, filter.where === undefined ? [] : [whereOf(draft)]);
  const beyond = after === undefined ? [] : [keyBeyond(draft)];
  return numbered(`
      select ${keys}, ${SINCE} as since from ${from}
      where ${[...conditions, statusIn(draft), ...beyond].join(' and ')}
      order by ${keys} limit ${into.parameters.add(String(limit))}::bigint`);
}

function bySince(draft: Draft, isOldestFirst: boolean): string {
  const { tables, filter, after, limit, into } = draft;
  const keys = identitySql(tables.overall).of('s');
  const { from, conditions } = source(draft, filter.where === undefined ? [] : [whereOf(draft)]);
  const beyond = after === undefined ? [] : [sinceBeyond(draft, isOldestFirst)];
  return numbered(`
      select ${keys}, ${SINCE} as since from ${from}
      where ${[...conditions, statusIn(draft), ...beyond].join(' and ')}
      order by ${SINCE} ${isOldestFirst ? 'asc' : 'desc'}, ${keys} limit ${into.parameters.add(String(limit))}::bigint`);
}

/**
 * The rows of an ordered page with their positions. They are numbered after the limit: a window function over all
 * rows would sort all of them; with the limit Postgres keeps only the first.
 */
const numbered = (page: string): string => `select s.*, row_number() over () as place from (${page}) s`;

function byColumns(draft: Draft): string {
  const { tables, orderBy, after, limit, into } = draft;
  const terms = orderTerms(orderBy, into);
  const beyond = after === undefined ? [] : [afterCondition(recordOf(after), terms, into)];
  const { from, conditions } = source(draft, [whereOf(draft), ...beyond]);
  const order = terms.map(({ column, direction }) => `r.${quoteIdentifier(column.name)} ${direction}`).join(', ');
  return numbered(`
      select ${identitySql(tables.overall).of('s')}, ${SINCE} as since from ${from}
      where ${[...conditions, statusIn(draft)].join(' and ')}
      order by ${order} limit ${into.parameters.add(String(limit))}::bigint`);
}

/** The matching status rows, joined with the records if the filter or order uses them. */
function source(draft: Draft, recordConditions: readonly string[]): { from: string; conditions: string[] } {
  const { tables, filter, into } = draft;
  const { enforcementPoint, olderThanMs } = filter;
  const rows = enforcementPoint === undefined ? tables.overall : tables.enforcement;
  const records = recordConditions.length > 0 ? joinRecords(tables, recordConditions) : '';
  const point = enforcementPoint === undefined ? [] : [`s.${POINT_COLUMN} = ${into.parameters.add(enforcementPoint)}`];
  return {
    from: `${rows.qualifiedName} s${records}`,
    conditions: [...pinned(draft), ...point, 's.realization_status > 0', ...older(olderThanMs, into.parameters)],
  };
}

/** A separate query, because filters use unqualified columns of the record, and the status tables have columns of the same names. */
const joinRecords = (tables: StatusTables, conditions: readonly string[]): string => `
      join (select * from ${tables.resource.qualifiedName} where ${conditions.join(' and ')}${readFirst(tables)}) r on ${identitySql(tables.overall).same('r', 's')}`;

const whereOf = ({ filter, into }: Draft): string => filterCondition(filter.where, into);

/** Longer ago than any row; Postgres can still represent it. */
const MAX_AGE_MS = 1e13;

const older = (olderThanMs: number, parameters: Parameters): string[] =>
  olderThanMs === 0
    ? []
    : [
        `s.updated_at < statement_timestamp() - ${parameters.add(String(Math.min(olderThanMs, MAX_AGE_MS)))}::double precision * interval '1 ms'`,
      ];

const statusIn = ({ filter: { weights } }: Draft): string =>
  weights === undefined ? 'true' : `s.realization_status = any ('{${weights.join(', ')}}'::integer[])`;

/** Conditions on org and instance from the scope. Row-level security enforces them anyway; as conditions they let the planner use the indexes. */
function pinned({ tables, scope, into }: Draft): string[] {
  return tables.overall.identity.flatMap((column) => {
    const value = pinnedValue(scope, column);
    return value === undefined ? [] : [`s.${quoteIdentifier(column.name)} = ${into.parameters.add(value)}`];
  });
}

function pinnedValue({ role, orgId, instanceId }: Scope, { field }: Column): string | undefined {
  if (field === 'orgId' && role.startsWith('tenant_')) return orgId;
  return field === 'instanceId' && role.includes('instance_') ? instanceId : undefined;
}

/** The condition that the row's key comes after that of `after`. Columns with a fixed value are ignored. */
function keyBeyond({ tables, scope, after, into }: Draft): string {
  const identity = identityOf(keyTable(tables), scope, keyOf(after));
  const free = tables.overall.identity.flatMap((column, index) =>
    pinnedValue(scope, column) === undefined ? { column, value: identity[index] ?? null } : [],
  );
  const names = free.map(({ column }) => `s.${quoteIdentifier(column.name)}`);
  const bounds = free.map(({ column, value }) => `${into.parameters.add(value)}::${column.format.sqlType}`);
  return `(${names.join(', ')}) > (${bounds.join(', ')})`;
}

function sinceBeyond(draft: Draft, isOldestFirst: boolean): string {
  const since = isItem(draft.after) ? draft.after.since : undefined;
  if (!(since instanceof Date))
    throw new InvalidRecordError('list: in this order `after` must be the last item of the previous page');
  const bound = `${draft.into.parameters.add(since.toISOString())}::timestamptz`;
  return `(${SINCE} ${isOldestFirst ? '>' : '<'} ${bound} or ${SINCE} = ${bound} and ${keyBeyond(draft)})`;
}

interface ListedItem {
  readonly key: unknown;
  readonly record: unknown;
  readonly since: unknown;
}

/** Whether this is an item of a page, and not a record or a key. */
const isItem = (after: unknown): after is ListedItem =>
  typeof after === 'object' && after !== null && ['key', 'record', 'overall', 'since'].every((name) => name in after);

const keyOf = (after: unknown): unknown => (isItem(after) ? after.key : after);
const recordOf = (after: unknown): unknown => (isItem(after) ? after.record : after);
