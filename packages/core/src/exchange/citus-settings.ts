import pg from 'pg';
import { type Scope, type ServiceScope, STORE_ROLES, type StoreRole } from '../context/scope.ts';
import { INSTANCE_SETTING, ORG_SETTING, type ScopeSettings, setConfigs } from './scope-settings.ts';
import type { Statement } from './statement.ts';
import type { Setting } from './value-settings.ts';

/*
 * On Citus a statement runs on the shards, over connections from the coordinator to the nodes. What the shards' policies
 * compare with must get there too:
 *
 * - The role: the coordinator connects to a node as the role that is in force, so it is set with `set_config`, which Citus
 *   does not propagate. A propagated `set role` would fail on a connection that is open already as another role.
 * - Org and instance: Citus propagates `set local` statements inside a `begin` block when `citus.propagate_set_commands` is
 *   `local`, to the connections that are open and to those that it opens later. It propagates the text, so values are literals.
 *
 * Citus keeps the text of `set local` statements for the connections that it opens later, but forgets what was set inside a
 * savepoint when that is released.
 *
 * All of it, the statement and the `commit` are sent with one Sync, as on one server.
 */

const SET_ROLE = `select set_config('role', $1, true), set_config('citus.propagate_set_commands', 'local', true)`;
const BEGIN: Statement = { name: 'begin', text: 'begin isolation level read committed' };
const COMMIT: Statement = { name: 'commit', text: 'commit' };

/** `more` settings, which a pooler does not take at the start of a connection, hold on the coordinator. */
export function citusSettings(roleName: (role: StoreRole) => string, more: readonly Setting[] = []): ScopeSettings {
  const names = new Map(STORE_ROLES.map((role) => [role, roleName(role)]));
  const setRole = SET_ROLE + setConfigs(more);
  return {
    opening: [BEGIN],
    closing: [COMMIT],
    endsWithSavepoint: true,
    statements: ({ role, orgId, instanceId }: Scope | ServiceScope) => [
      { name: 'set-role', text: setRole, values: [names.get(role) as string] },
      setLocal(ORG_SETTING, orgId),
      setLocal(INSTANCE_SETTING, instanceId),
    ],
  };
}

/** Not prepared: its text is different for each value. */
const setLocal = (name: string, value = ''): Statement => ({ text: `set local ${name} = ${pg.escapeLiteral(value)}` });
