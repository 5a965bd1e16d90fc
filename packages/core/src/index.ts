import './option/require-node.ts';

export { auditIsolation } from './audit/audit-isolation.ts';
export type { IsolationFinding, IsolationRule } from './audit/finding.ts';
export { type ConnectionSource, connectionFromEnvironment } from './configuration.ts';
export type { Authorizer, Instancer, RoleMapping } from './context/authorizer.ts';
export { compareDbRoles, DB_ROLES, type DbRole } from './context/db-role.ts';
export { FixedAuthorizer, type FixedAuthorizerOptions } from './context/fixed-authorizer.ts';
export {
  JwtAuthorizer,
  type JwtAuthorizerOptions,
  type JwtClaimNames,
  type JwtContext,
} from './context/jwt-authorizer.ts';
export { contextFromGrpcMetadata, contextFromHeaders, type MetadataNames } from './context/metadata-adapters.ts';
export { MetadataAuthorizer, type MetadataContext, SimpleInstancer } from './context/metadata-authorizer.ts';
export { createDataStore } from './data-store.ts';
export type { DataStore, DataStoreOptions, RegisterOptions } from './data-store-api.ts';
export { citus, type Distribution } from './distribution.ts';
export { ERROR_CATALOGUE, type ErrorCode, type ErrorName } from './error/catalogue.ts';
export { type HttpErrorResponse, httpErrorResponse } from './error/http-error-response.ts';
export {
  ConfigurationError,
  ConnectionError,
  DatabaseError,
  DuplicateRecordError,
  IntendantError,
  InvalidRecordError,
  InvalidTokenError,
  MarkingFailedError,
  MissingContextError,
  MissingInstanceIdError,
  MissingOrgIdError,
  NameForgottenError,
  NameInUseError,
  OperationCancelledError,
  OperationNotAllowedError,
  RecordNotFoundError,
  RevisionConflictError,
  TableNotRegisteredError,
  TransactionConflictError,
} from './error/intendant-error.ts';
export type { PoolOptions, PoolStats } from './exchange/pool.ts';
export type { RootSession } from './session/root-session.ts';
export type { Session } from './session/session.ts';
export type {
  DeleteManyOptions,
  DeleteOptions,
  FindOptions,
  RemoveOptions,
  WriteOptions,
} from './session/session-options.ts';
export type {
  IsolationLevel,
  NestedTransactionOptions,
  Transaction,
  TransactionOptions,
} from './session/transaction.ts';
export type { Comparison, Filter } from './statement/filter.ts';
export type { FindManyOptions } from './statement/find-many.ts';
export type { Direction, OrderBy } from './statement/order.ts';
export {
  defineTable,
  type TableDefinition,
  type TableOptions,
  type TableTraits,
  type Tenancy,
} from './table/define-table.ts';
export type { AnyTable, ChangedRecordOf, ChangesOf, KeyOf, NewRecordOf, RecordOf } from './table/record-types.ts';
export type { IndexOptions, TableIndex } from './table/table-index.ts';
export type { TableReference } from './table/table-reference.ts';
