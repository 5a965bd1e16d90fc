import { type Column, quoteIdentifier } from '@intendant/core/internal';
import { STATUS_WEIGHTS } from '@intendant/realization';
import type { RealizedTable } from './realized-table.ts';
import type { ResourceFilter } from './resource-filter.ts';

/** Collects the values of a statement; returns each one's placeholder. */
export class Values {
  readonly list: (string | null)[] = [];

  add(value: string): string {
    this.list.push(value);
    return `$${this.list.length}`;
  }
}

/** Same org, instance and key under two aliases, in SQL. */
export const sameResource = ({ overall }: RealizedTable, left: string, right: string): string =>
  overall.identity
    .map(({ name }) => `${left}.${quoteIdentifier(name)} = ${right}.${quoteIdentifier(name)}`)
    .join(' and ');

/** The SQL condition for a filter on `o`, an overall status, and `r`, its resource, which may be missing. */
export function filterCondition(table: RealizedTable, filter: ResourceFilter, values: Values): string {
  const conditions = [
    ...(filter.point === undefined ? statusConditions('o', filter, values) : [atPoint(table, filter, values)]),
    ...words(filter.q).map((word) => matchesWord(table, word, values)),
  ];
  return conditions.join(' and ') || 'true';
}

function statusConditions(alias: string, { status, olderThanMs }: ResourceFilter, values: Values): string[] {
  const weights = status?.map((name) => STATUS_WEIGHTS[name]);
  return [
    ...(weights ? [`${alias}.realization_status in (${weights.join(', ')})`] : []),
    ...(olderThanMs === undefined
      ? []
      : [
          `${alias}.updated_at < clock_timestamp() - ${values.add(String(olderThanMs))}::double precision * interval '1 ms'`,
        ]),
  ];
}

function atPoint(table: RealizedTable, filter: ResourceFilter, values: Values): string {
  const conditions = [
    sameResource(table, 'e', 'o'),
    `e.enforcement_point_id = ${values.add(filter.point as string)}`,
    ...statusConditions('e', filter, values),
  ];
  return `exists (select from ${table.enforcement.qualifiedName} e where ${conditions.join(' and ')})`;
}

const words = (q: string | undefined): string[] => (q ?? '').split(/\s+/).filter((word) => word !== '');

/** `field:value` compares one field as a whole; any other word is looked for in the key and all text fields. */
function matchesWord(table: RealizedTable, word: string, values: Values): string {
  const [, field, value] = /^([^:]+):(.+)$/.exec(word) ?? [];
  const column = table.resource.columns.find((candidate) => candidate.field === field);
  if (column && value !== undefined) return `${ofResource(table, column)}::text = ${values.add(value)}`;
  const pattern = values.add(`%${word.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)}%`);
  const searched = searchedColumns(table).map(
    (searchedColumn) => `${ofResource(table, searchedColumn)}::text ilike ${pattern}`,
  );
  return `(${searched.join(' or ')})`;
}

const searchedColumns = ({ resource }: RealizedTable): Column[] => [
  ...new Set([...resource.key, ...resource.columns.filter(({ format }) => format.sqlType === 'text')]),
];

/** A key's column is read from the status, which outlives the resource. */
const ofResource = ({ overall }: RealizedTable, { name, field }: Column): string =>
  `${overall.columnByField.has(field) && isIdentity(overall, field) ? 'o' : 'r'}.${quoteIdentifier(name)}`;

const isIdentity = (overall: RealizedTable['overall'], field: string): boolean =>
  overall.identity.some((column) => column.field === field);
