import { ConfigurationError } from '@intendant/core';
import type { DataStoreInternals, RegisteredTable, Scope } from '@intendant/core/internal';
import { loggedName } from '../log/names.ts';
import { SLOTS } from '../log/slot.ts';
import { serviceQuery } from '../service-query.ts';

const MAX_NAME_BYTES = 200;

/** What a durable name identifies: one table, and the rows of it that one kind of caller sees. */
export interface DurableName {
  readonly name: string;
  readonly table: RegisteredTable;
  readonly scope: Scope | undefined;
}

/** Two contexts that see the same rows may share a name. */
function describeScope(scope: Scope | undefined): string {
  if (!scope) return 'all';
  const org = scope.role.startsWith('tenant_') ? scope.orgId : null;
  const instance = scope.role.includes('instance_') ? scope.instanceId : null;
  return org === null && instance === null ? 'all' : JSON.stringify([org, instance]);
}

/** Throws ConfigurationError for an invalid name. */
export function checkName(operation: string, name: unknown): void {
  if (typeof name === 'string' && name !== '' && Buffer.byteLength(name) <= MAX_NAME_BYTES && !name.includes('\0'))
    return;
  throw new ConfigurationError(`${operation}: name must be a string of 1 to ${MAX_NAME_BYTES} bytes`);
}

/** Creates the name if it is new, with its cursors at `from`. Throws ConfigurationError for a name of another table or tenant. */
export async function claimName(internals: DataStoreInternals, durable: DurableName, from: number): Promise<void> {
  const scope = describeScope(durable.scope);
  const table = loggedName(durable.table);
  await serviceQuery(
    internals,
    `with made as (
       insert into intendant.durable_subscription (name, table_name, scope) values ($1, $2, $3) on conflict do nothing returning name
     )
     insert into intendant.cursor (name, slot, seq) select name, slot, $4 from made, generate_series(0, ${SLOTS - 1}) slot`,
    [durable.name, table, scope, from],
  );
  const { rows } = await serviceQuery<{ table_name: string; scope: string }>(
    internals,
    'select table_name, scope from intendant.durable_subscription where name = $1',
    [durable.name],
  );
  const taken = rows[0];
  if (taken && taken.table_name !== table) {
    throw new ConfigurationError(
      `the name ${JSON.stringify(durable.name)} belongs to a subscription to ${taken.table_name}; choose another`,
      { details: { name: durable.name } },
    );
  }
  if (taken && taken.scope !== scope) {
    throw new ConfigurationError(
      `the name ${JSON.stringify(durable.name)} belongs to a subscription that sees other rows of ${table}: another tenant's or instance's; choose another`,
      { details: { name: durable.name } },
    );
  }
}
