import { type DbRole, isInstanceScoped, isTenantScoped } from '../context/db-role.ts';
import { INSTANCE_SETTING, ORG_SETTING } from '../exchange/scope-settings.ts';

/**
 * How a table stores the owner of a row. `required`: each row belongs to one org (or instance). `nullable`: null for
 * rows that belong to none and that all callers see, such as changes of a shared table. `absent`: there is no such
 * column.
 */
export type OwnerColumn = 'required' | 'nullable' | 'absent';

export interface TenantColumns {
  /** Column `org_id`. */
  readonly org: OwnerColumn;
  /** Column `instance_id`. */
  readonly instance: OwnerColumn;
  /** Whether the conditions are without sub-selects, which Citus refuses. Default false. */
  readonly isDistributed?: boolean;
}

export interface TenantCondition {
  /** Rows of the caller's org, or all rows under a role that is not limited to one org. */
  readonly own: string;
  /** Rows without an org, which all callers may see; only if `org_id` may be null and the role is limited to one org. */
  readonly shared?: string;
  /** The additional condition under a role that is limited to one instance: rows of the caller's instance. */
  readonly narrowed?: string;
}

/**
 * The single definition of which rows a role sees. A setting that was never set is null and equals nothing. A setting
 * whose transaction has ended is empty, and a check constraint forbids rows with an empty org. The sub-select is
 * evaluated once per statement instead of once per row.
 *
 * The instance condition is a separate, restrictive policy, because the solver that proves isolation handles one
 * equality per policy. Not on
 * Citus, which makes restrictive policies permissive on the shards: there one policy compares both.
 *
 * The text has the parentheses that Postgres prints (pg_get_expr), so that the stored text can be compared.
 */
export function tenantCondition(
  { org, instance, isDistributed = false }: TenantColumns,
  role: DbRole,
): TenantCondition {
  const equalsSetting = isDistributed ? equalsSettingOfRow : equalsSettingOfStatement;
  const ofInstance = isInstanceScoped(role) ? instanceCondition(instance, equalsSetting) : undefined;
  if (!isTenantScoped(role) || org === 'absent') return { own: ofInstance ?? 'true' };
  const ofOrg = equalsSetting('org_id', ORG_SETTING);
  if (isDistributed) return { own: ofInstance ? `(${ofOrg} and ${ofInstance})` : ofOrg };
  return {
    own: ofOrg,
    ...(org === 'nullable' && { shared: '(org_id is null)' }),
    ...(ofInstance && { narrowed: ofInstance }),
  };
}

type EqualsSetting = (column: string, setting: string) => string;

const equalsSettingOfStatement: EqualsSetting = (column, setting) =>
  `(${column} = ( select current_setting('${setting}', true)))`;

/** The same condition. As the function is stable, an index is still used, and without one it is called for each row. */
const equalsSettingOfRow: EqualsSetting = (column, setting) => `(${column} = current_setting('${setting}', true))`;

/** A store without an instancer stores an empty instance. Such rows belong to no instance. */
function instanceCondition(instance: OwnerColumn, equalsSetting: EqualsSetting): string | undefined {
  if (instance === 'absent') return undefined;
  const own = `(${equalsSetting('instance_id', INSTANCE_SETTING)} and (instance_id <> ''))`;
  return instance === 'required' ? own : `((instance_id is null) or ${own})`;
}
