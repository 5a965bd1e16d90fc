/**
 * What the sibling packages (subscription, realization, protostore) may use of core beyond its public API.
 * Not for applications: it may change in any release.
 */
export { readConnection } from './configuration.ts';
export { meetOfDbRoles, toInstanceRole } from './context/db-role.ts';
export type { Scope } from './context/scope.ts';
export {
  type DataStoreInternals,
  internalsOf,
  type SessionInternals,
  sessionInternalsOf,
} from './data-store-internals.ts';
export { printKey, translateError } from './error/sqlstate.ts';
export { runExchange } from './exchange/exchange.ts';
export type { Executor, RunOptions } from './exchange/executor.ts';
export type { Statement, StatementResult, WireValue } from './exchange/statement.ts';
export { describeKey } from './record/describe-key.ts';
export { encodeField } from './record/encode-field.ts';
export { type IdentityValue, readIdentity } from './record/identity.ts';
export { readRow } from './record/read-row.ts';
export { readRevision, suppliedColumns, type WritableRow, writeRow } from './record/write-row.ts';
export type { SchemaPart } from './schema/schema-part.ts';
export { arrayLiteral } from './statement/array-literal.ts';
export { allColumns } from './statement/column-list.ts';
export { deleteStatement, softDeleteStatement } from './statement/delete.ts';
export { findStatement } from './statement/find.ts';
export { derivedName, qualifiedName, quoteIdentifier, quoteLiteral } from './statement/identifier.ts';
export { insertStatement } from './statement/insert.ts';
export { perTable } from './statement/per-table.ts';
export { upsertStatement } from './statement/upsert.ts';
export type { Column } from './table/column.ts';
export { primaryKeyName } from './table/constraint-name.ts';
export type { RegisteredTable } from './table/registered-table.ts';
