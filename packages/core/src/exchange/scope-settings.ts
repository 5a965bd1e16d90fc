import type { DbRole } from '../context/db-role.ts';
import type { Scope } from '../context/scope.ts';
import type { Statement } from './statement.ts';

/** How a scope reaches the database: the one seam that a sharded backend (Citus) implements anew. */
export interface ScopeSettings {
  /** Sets role, org and instance for the rest of the transaction. */
  statement(scope: Scope): Statement;
  /** Back to the login's own role for the rest of the transaction, org and instance unset. */
  reset(): Statement;
}

export const ORG_SETTING = 'intendant.org_id';
export const INSTANCE_SETTING = 'intendant.instance_id';

const SET_SCOPE = `select set_config('role', $1, true), set_config('${ORG_SETTING}', $2, true), set_config('${INSTANCE_SETTING}', $3, true)`;

/** On plain Postgres all three travel as parameters of one statement, and end with the transaction. */
export function localSettings(roleName: (role: DbRole) => string): ScopeSettings {
  return {
    statement: ({ role, orgId, instanceId }) => ({
      name: 'set-scope',
      text: SET_SCOPE,
      values: [roleName(role), orgId ?? '', instanceId ?? ''],
    }),
    reset: () => ({ name: 'set-scope', text: SET_SCOPE, values: ['none', '', ''] }),
  };
}
