import pg from 'pg';
import { isInstanceScoped } from '../context/db-role.ts';
import { isServiceScope, type Scope, type ServiceScope, STORE_ROLES, type StoreRole } from '../context/scope.ts';
import type { Statement } from './statement.ts';
import { DEFAULT_ISOLATION, type Setting } from './value-settings.ts';

/** Sets a scope in the database: `localSettings` on one server, `citusSettings` on several. */
export interface ScopeSettings {
  /** Sets role, org and instance for the rest of the transaction. */
  statements(scope: Scope | ServiceScope): readonly Statement[];
  /** Statements that come first in an exchange that is a transaction of its own; usually none. */
  readonly opening: readonly Statement[];
  /**
   * What comes last in an exchange that is a transaction of its own. Not empty if the opening has a `begin`: then a failed
   * exchange leaves a transaction that must be rolled back.
   */
  readonly closing: readonly Statement[];
  /** Whether a scope that was set inside a savepoint ends with it, not only when it is rolled back but also when it is released. */
  readonly endsWithSavepoint: boolean;
}

export const ORG_SETTING = 'intendant.org_id';
export const INSTANCE_SETTING = 'intendant.instance_id';

const SET_ROLE_AND_ORG = `select set_config('role', $1, true), set_config('${ORG_SETTING}', $2, true)`;
const SET_SCOPE = `${SET_ROLE_AND_ORG}, set_config('${INSTANCE_SETTING}', $3, true)`;

/** Before any query, and not `set transaction` or `set local`, which warn outside a `begin`. Ends with the transaction. */
const READ_COMMITTED: Statement = { name: 'read-committed', text: `set transaction_isolation to 'read committed'` };

/**
 * On plain Postgres the settings are parameters of one statement, and end with the transaction. The instance is omitted
 * if no policy of the role reads it: each setting costs the server about as much as sending a row. `more` are settings
 * that a pooler does not accept as startup options; they are set in the same statement.
 */
export function localSettings(roleName: (role: StoreRole) => string, more: readonly Setting[] = []): ScopeSettings {
  const names = new Map(STORE_ROLES.map((role) => [role, roleName(role)]));
  const isPresetIsolation = ([name]: Setting): boolean => name === DEFAULT_ISOLATION;
  const also = setConfigs(more.filter((setting) => !isPresetIsolation(setting)));
  const [setRoleAndOrg, setScope] = [SET_ROLE_AND_ORG, SET_SCOPE].map((text) => text + also) as [string, string];
  return {
    opening: more.some(isPresetIsolation) ? [READ_COMMITTED] : [],
    closing: [],
    endsWithSavepoint: false,
    statements: (scope) => {
      const { role, orgId, instanceId } = scope;
      const name = names.get(role) as string;
      return instanceId === undefined && (isServiceScope(scope) || !isInstanceScoped(scope.role))
        ? [{ name: 'set-scope', text: setRoleAndOrg, values: [name, orgId ?? ''] }]
        : [{ name: 'set-scope', text: setScope, values: [name, orgId ?? '', instanceId ?? ''] }];
    },
  };
}

/** Further settings for the select list of a statement that sets some, each with a comma before it. */
export const setConfigs = (settings: readonly Setting[]): string =>
  settings.map(([name, value]) => `, set_config(${pg.escapeLiteral(name)}, ${pg.escapeLiteral(value)}, true)`).join('');
