import {
  arrayLiteral,
  perTable,
  quoteIdentifier,
  type RegisteredTable,
  type WireValue,
} from '@intendant/core/internal';
import { identityText } from './key-text.ts';

/** A resource's identity as parameters: values for `table.identity`, in its order. */
export type Identity = readonly WireValue[];

/** SQL for sets of resources. They are sent to Postgres as one array per column, and become rows through `unnest`. */
export interface IdentitySql {
  /** Number of parameters that the arrays use, from `$1` on. */
  readonly parameterCount: number;
  /** `$1::text[], $2::text[]`: for `unnest`. */
  readonly arrays: string;
  /** The columns' names, quoted: `"org_id", "id"`. */
  readonly columns: string;
  /** The same with an alias: `o."org_id", o."id"`. */
  of(alias: string): string;
  /** The condition that two aliases identify the same resource. */
  same(left: string, right: string): string;
  /** The identity as a JSON array of texts, as in jobs. */
  json(alias: string): string;
}

export const identitySql = perTable((table: RegisteredTable): IdentitySql => {
  const names = table.identity.map((column) => quoteIdentifier(column.name));
  const of = (alias: string): string => names.map((name) => `${alias}.${name}`).join(', ');
  return {
    parameterCount: names.length,
    arrays: table.identity.map((column, index) => `$${index + 1}::${column.format.sqlType}[]`).join(', '),
    columns: names.join(', '),
    of,
    same: (left, right) => names.map((name) => `${left}.${name} = ${right}.${name}`).join(' and '),
    json: (alias) =>
      `jsonb_build_array(${table.identity.map((column, index) => identityText(column, `${alias}.${names[index]}`)).join(', ')})`,
  };
});

/** The parameters for `arrays`: one array literal a column of the identity. */
export const identityArrays = (table: RegisteredTable, identities: readonly Identity[]): string[] =>
  table.identity.map((_, index) => arrayLiteral(identities.map((identity) => identity[index] ?? null)));

/** A text that identifies a resource, used as a key of maps. */
export const identityKey = (identity: Identity): string => JSON.stringify(identity.map(String));
