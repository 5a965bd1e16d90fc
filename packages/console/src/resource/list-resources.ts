import type { AnyTable } from '@intendant/core';
import {
  type ResourceFilter as RealizationFilter,
  type ListedResource as RealizationItem,
  type RealizationSession,
  STATUS_WEIGHTS,
  type Status,
} from '@intendant/realization';
import type { ReadableTable } from '../caller/access.ts';
import { RefusedRequest } from '../http/problem.ts';
import { jsonRecord } from './json-value.ts';
import type { ResourceFilter } from './resource-filter.ts';
import { type ResourceKey, readGivenKey } from './resource-key.ts';
import { searchCondition } from './search-condition.ts';

/** A resource with its statuses, as shown in a list. */
export interface ListedResource {
  readonly key: ResourceKey;
  /** Null if the row was deleted and its statuses still exist. */
  readonly record: Readonly<Record<string, unknown>> | null;
  readonly status: Status;
  readonly message: string;
  readonly revision: number;
  readonly since: Date;
  /** The number of points by status. */
  readonly counts: Readonly<Partial<Record<Status, number>>>;
  /** The most severe first, at most `MAX_CELLS`. */
  readonly cells: readonly { readonly point: string; readonly status: Status }[];
}

export interface ResourcePage {
  readonly resources: readonly ListedResource[];
  /** The cursor of the next page; undefined on the last. */
  readonly next: string | undefined;
}

export type ListOrder = 'key' | 'oldest' | 'newest';

export interface PageOptions {
  readonly order?: ListOrder;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** The most points of one resource that a list contains. */
const MAX_CELLS = 200;

export async function listResources(
  session: RealizationSession,
  table: ReadableTable,
  filter: ResourceFilter,
  { order = 'key', after, limit }: PageOptions,
): Promise<ResourcePage> {
  const items = await session.list(table.definition, {
    ...realizationFilter(table, filter),
    limit: limit + 1,
    ...(order !== 'key' && { orderBy: order }),
    ...(after !== undefined && { after: readCursor(table, after) }),
  });
  const shown = items.slice(0, limit);
  const last = shown.at(-1);
  return { resources: shown.map(toListed), next: items.length > limit && last ? printCursor(last) : undefined };
}

/** Number of matching resources. */
export const countResources = (
  session: RealizationSession,
  table: ReadableTable,
  filter: ResourceFilter,
): Promise<number> => session.count(table.definition, realizationFilter(table, filter));

/** The same filter for the realization. */
function realizationFilter(
  table: ReadableTable,
  { status, point, olderThanMs, q }: ResourceFilter,
): RealizationFilter<AnyTable> {
  const where = searchCondition(table, q);
  return {
    ...(status && { status }),
    ...(point !== undefined && { enforcementPoint: point }),
    ...(olderThanMs !== undefined && { olderThanMs }),
    ...(where && { where }),
  };
}

function toListed({ key, record, overall, enforcement, since }: RealizationItem<AnyTable>): ListedResource {
  return {
    key,
    record,
    status: overall.status,
    message: overall.additionalDetails,
    revision: overall.revision,
    since,
    counts: countStatuses(enforcement),
    cells: heaviestCells(enforcement),
  };
}

type Enforcement = RealizationItem<AnyTable>['enforcement'];

function countStatuses(enforcement: Enforcement): ListedResource['counts'] {
  const counts: Partial<Record<Status, number>> = {};
  for (const { status } of enforcement.values()) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function heaviestCells(enforcement: Enforcement): ListedResource['cells'] {
  const cells = [...enforcement].map(([point, { status }]) => ({ point, status }));
  if (cells.length <= MAX_CELLS) return cells;
  return cells.sort((a, b) => STATUS_WEIGHTS[b.status] - STATUS_WEIGHTS[a.status]).slice(0, MAX_CELLS);
}

/** The place after a resource, as JSON in base64url. */
const printCursor = ({ key, since }: RealizationItem<AnyTable>): string =>
  Buffer.from(JSON.stringify({ key: jsonRecord(key), since: since.toISOString() })).toString('base64url');

/** The last item of the previous page, with the fields that the realization reads. */
function readCursor(table: ReadableTable, text: string): unknown {
  try {
    const { key, since } = JSON.parse(Buffer.from(text, 'base64url').toString()) as { key: unknown; since: string };
    const item = { key: readGivenKey(table, key), record: null, overall: null, since: new Date(since) };
    if (typeof key === 'object' && !Number.isNaN(item.since.getTime())) return item;
  } catch {
    // Refused below.
  }
  throw new RefusedRequest(400, 'after is not a cursor of this list. Use the value of next, or leave it out.');
}
