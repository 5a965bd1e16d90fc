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
 * equality per policy.
 *
 * The text has the parentheses that Postgres prints (pg_get_expr), so that the stored text can be compared.
 */
export function tenantCondition({ org, instance }: TenantColumns, role: DbRole): TenantCondition {
  const ofInstance = isInstanceScoped(role) ? instanceCondition(instance) : undefined;
  if (!isTenantScoped(role) || org === 'absent') return { own: ofInstance ?? 'true' };
  return {
    own: equalsSetting('org_id', ORG_SETTING),
    ...(org === 'nullable' && { shared: '(org_id is null)' }),
    ...(ofInstance && { narrowed: ofInstance }),
  };
}

const equalsSetting = (column: string, setting: string): string =>
  `(${column} = ( select current_setting('${setting}', true)))`;

/** A store without an instancer stores an empty instance. Such rows belong to no instance. */
function instanceCondition(instance: OwnerColumn): string | undefined {
  if (instance === 'absent') return undefined;
  const own = `(${equalsSetting('instance_id', INSTANCE_SETTING)} and (instance_id <> ''))`;
  return instance === 'required' ? own : `((instance_id is null) or ${own})`;
}
