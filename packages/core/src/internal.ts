/**
 * What the sibling packages (subscription, realization, protostore) may use of core beyond its public API.
 * Not for applications: it may change in any release.
 */
import './option/require-node.ts';

export { Backoff, type BackoffOptions, backoffMs } from './background/backoff.ts';
export { Bell } from './background/bell.ts';
export { abortable, type Deadline, type DeadlineOptions, startDeadline } from './background/deadline.ts';
export { DedicatedConnection, type DedicatedConnectionOptions } from './background/dedicated-connection.ts';
export { describeThrown } from './background/describe-thrown.ts';
export { guardLogger } from './background/guard-logger.ts';
export { Outage, type OutageMessages } from './background/outage.ts';
export { pause } from './background/pause.ts';
export { Service, type ServiceOptions, type ServiceRun } from './background/service.ts';
export { startTimer, type Timer, type TimerOptions } from './background/timer.ts';
export { readConnection } from './configuration.ts';
export { intersectDbRoles, toInstanceRole } from './context/db-role.ts';
export { type Scope, type ServiceScope, type StoreRole, serviceScope } from './context/scope.ts';
export type { ContextWatch } from './context/watch-context.ts';
export { type DataStoreInternals, internalsOf } from './data-store-internals.ts';
export { isNodeLost, isUnsettled, printKey, translateError, UNSETTLED_SQLSTATE } from './error/sqlstate.ts';
export { runExchange } from './exchange/exchange.ts';
export type { Executor, RunOptions, TransactionExecutor } from './exchange/executor.ts';
export { connectClient, destroySocket, serverProcessId } from './exchange/pg-internals.ts';
export type { Statement, StatementResult, WireValue } from './exchange/statement.ts';
export {
  mapStatements,
  type ResultSet,
  resultsFor,
  type StatementSet,
  statementsOf,
} from './exchange/statement-set.ts';
export { SET_VALUE_SETTINGS, withValueSettings } from './exchange/value-settings.ts';
export { type CountRange, checkCount } from './option/check-count.ts';
export { checkDuration, type DurationRange } from './option/check-duration.ts';
export { checkOptions, type OptionNames } from './option/check-options.ts';
export { describeKey } from './record/describe-key.ts';
export { encodeField } from './record/encode-field.ts';
export { checkScope, type IdentityValue, readIdentity } from './record/identity.ts';
export { readRow } from './record/read-row.ts';
export { readRevision, suppliedColumns, type WritableRow, writeRow, writeRowByKey } from './record/write-row.ts';
export {
  compareFramework,
  type FrameworkDifference,
  type FrameworkObjects,
  type FrameworkTable,
  type GrantsByRole,
  planProtection,
} from './schema/framework-objects.ts';
export type { SchemaPart } from './schema/schema-part.ts';
export {
  type OwnerColumn,
  type TenantColumns,
  type TenantCondition,
  tenantCondition,
} from './schema/tenant-condition.ts';
export { type SessionInternals, sessionInternalsOf } from './session/session-internals.ts';
export { DELETE_OPTIONS, FIND_OPTIONS, RUN_OPTIONS } from './session/session-options.ts';
export { arrayLiteral } from './statement/array-literal.ts';
export { allColumns } from './statement/column-list.ts';
export { deleteStatement, softDeleteStatement } from './statement/delete.ts';
export { type FilterTarget, filterCondition, Parameters } from './statement/filter.ts';
export { findStatement } from './statement/find.ts';
export { derivedName, qualifiedName, quoteIdentifier, quoteLiteral } from './statement/identifier.ts';
export { insertStatement } from './statement/insert.ts';
export { afterCondition, orderTerms } from './statement/order.ts';
export { perShape, perTable } from './statement/per-table.ts';
export {
  changedCondition,
  insertedRow,
  insertedValues,
  isOpenKey,
  noOtherHasKey,
  uniqueKeyCondition,
} from './statement/shared-key.ts';
export { currentTime } from './statement/update.ts';
export { onlyReplaces, upsertedValues, upsertStatement } from './statement/upsert.ts';
export type { Column } from './table/column.ts';
export { primaryKeyName } from './table/constraint-name.ts';
export { inFrameworkSchema, keepAtCoordinator } from './table/framework-schema.ts';
export type { RegisteredTable } from './table/registered-table.ts';
export { storedAs } from './table/stored-format.ts';
export { DOUBLE_WITH_NAN, FLOAT, UNSIGNED_BIGINT } from './table/wire-format.ts';
export {
  type AttemptEvent,
  attemptChannel,
  type DeliveryEvent,
  deliveryChannel,
} from './telemetry/events.ts';
export { activeTraceparent, linksTo, whenTraced, withinTrace } from './telemetry/trace-context.ts';
export { isTraced, type SpanDescription, SpanKind, traced } from './telemetry/tracing.ts';
