import type { DbRole } from '@intendant/core';
import {
  activeTraceparent,
  arrayLiteral,
  type RegisteredTable,
  type Scope,
  type Statement,
  type StatementResult,
} from '@intendant/core/internal';
import { decodeOperation, encodeOperation } from '../operation/codec.ts';
import { type Operation, shardOf, type WaitingOperation } from '../operation/operation.ts';
import type { Outcome } from '../operation/result.ts';

/** The value of `org_id` for a caller without an org, because no stored org may be empty. */
export const NO_ORG = 'intendant:none';

/** Stores the parts of one submission. Runs under the caller's scope. */
export const submitOperations = (
  table: RegisteredTable,
  id: string,
  tableName: string,
  scope: Scope,
  operations: readonly Operation[],
): Statement => ({
  name: 'submit-operations',
  text: `
    insert into ${table.qualifiedName}
      (org_id, id, part, seq, shard, table_name, operation, caller_role, caller_instance_id, payload, is_finished)
    select $1, $2, part, nextval('intendant.operation_seq'), shard, $3, operation, $4, $5, payload, false
    from unnest($6::integer[], $7::integer[], $8::text[], $9::jsonb[]) as o (part, shard, operation, payload)
    order by part`,
  values: [
    scope.orgId ?? NO_ORG,
    id,
    tableName,
    scope.role,
    scope.instanceId ?? null,
    arrayLiteral(operations.map((_, part) => String(part))),
    arrayLiteral(operations.map(({ identity }) => String(shardOf(tableName, identity)))),
    arrayLiteral(operations.map(({ kind }) => kind)),
    arrayLiteral(encodeAll(operations)),
  ],
});

const encodeAll = (operations: readonly Operation[]): string[] => {
  const traceparent = activeTraceparent();
  return operations.map((operation) => encodeOperation(operation, traceparent));
};

/** The result of each part, in order; null for one that is not finished. */
export const readOutcomes = (table: RegisteredTable, id: string): Statement => ({
  name: 'read-outcomes',
  text: `select outcome from ${table.qualifiedName} where id = $1 order by part`,
  values: [id],
});

export const outcomesOf = ({ rows }: StatementResult): (Outcome | null)[] =>
  rows.map(([text]) => (text ? (JSON.parse(text) as Outcome) : null));

/** The shards with waiting operations for these tables. */
export const waitingShards = (table: RegisteredTable, tableNames: readonly string[]): Statement => ({
  name: 'waiting-shards',
  text: `
    select distinct shard from ${table.qualifiedName} where not is_finished and table_name = any ($1::text[])`,
  values: [arrayLiteral(tableNames)],
});

/** Locks a shard for this transaction. Returns `f` when another transaction holds it. */
export const takeShard = (table: RegisteredTable, shard: number): Statement => ({
  name: 'take-shard',
  text: 'select pg_try_advisory_xact_lock(hashtext($1), $2::integer)',
  values: [`intendant ${table.qualifiedName}`, String(shard)],
});

/**
 * The oldest waiting operations of a shard. This is a separate statement that runs after the shard is locked: see
 * overall-status.ts.
 */
export const waitingOperations = (
  table: RegisteredTable,
  shard: number,
  tableNames: readonly string[],
  limit: number,
): Statement => ({
  name: 'waiting-operations',
  text: `
    select id, part, table_name, caller_role, org_id, caller_instance_id, payload from ${table.qualifiedName}
    where not is_finished and shard = $1::integer and table_name = any ($2::text[])
    order by seq
    limit $3::bigint`,
  values: [String(shard), arrayLiteral(tableNames), String(limit)],
});

export const waitingOf = ({ rows }: StatementResult): WaitingOperation[] =>
  rows.map(([id, part, tableName, role, orgId, instanceId, payload]) => ({
    id: String(id),
    part: Number(part),
    tableName: String(tableName),
    scope: {
      role: role as DbRole,
      orgId: orgId === NO_ORG ? undefined : (orgId ?? undefined),
      instanceId: instanceId ?? undefined,
    },
    ...decodeOperation(String(payload)),
  }));

/** Stores the results of operations, so that they are never executed again. */
export const finishOperations = (
  table: RegisteredTable,
  finished: readonly { readonly waiting: WaitingOperation; readonly outcome: Outcome }[],
): Statement => ({
  name: 'finish-operations',
  text: `
    update ${table.qualifiedName} o
    set is_finished = true, outcome = f.outcome, payload = '{}', updated_at = clock_timestamp()
    from unnest($1::text[], $2::text[], $3::integer[], $4::jsonb[]) as f (org_id, id, part, outcome)
    where o.org_id = f.org_id and o.id = f.id and o.part = f.part`,
  values: [
    arrayLiteral(finished.map(({ waiting }) => waiting.scope.orgId ?? NO_ORG)),
    arrayLiteral(finished.map(({ waiting }) => waiting.id)),
    arrayLiteral(finished.map(({ waiting }) => String(waiting.part))),
    arrayLiteral(finished.map(({ outcome }) => JSON.stringify(outcome))),
  ],
});

/** Deletes operations that were finished this long ago. */
export const deleteFinished = (table: RegisteredTable, olderThanMs: number): Statement => ({
  name: 'delete-finished-operations',
  text: `
    delete from ${table.qualifiedName}
    where is_finished and updated_at < clock_timestamp() - $1::double precision * interval '1 ms'`,
  values: [String(olderThanMs)],
});
