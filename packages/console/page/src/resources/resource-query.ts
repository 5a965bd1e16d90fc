import type { Place } from '../location/location.ts';

/** The filters of the resources view, as stored in the address. */
export interface ResourceQuery {
  readonly table: string;
  readonly status: string;
  readonly point: string;
  readonly q: string;
  readonly olderThan: string;
  readonly order: string;
  /** The cursor of the current page; empty for the first. */
  readonly after: string;
}

const FILTERS = ['status', 'point', 'q', 'olderThan'] as const;

export function readQuery({ query }: Place, defaultTable: string): ResourceQuery {
  const read = (name: string) => query.get(name) ?? '';
  return {
    table: read('table') || defaultTable,
    status: read('status'),
    point: read('point'),
    q: read('q'),
    olderThan: read('olderThan'),
    order: read('order'),
    after: read('after'),
  };
}

export function requestOf(query: ResourceQuery): string {
  const given = Object.entries(query).filter(([, value]) => value !== '');
  return `resources?${new URLSearchParams(given)}`;
}

/** The same filter as the body of an action. */
export const filterOf = (query: ResourceQuery): Record<string, string> =>
  Object.fromEntries(FILTERS.flatMap((name) => (query[name] === '' ? [] : [[name, query[name]] as const])));

export const hasFilter = (query: ResourceQuery): boolean => FILTERS.some((name) => query[name] !== '');
