/**
 * The eight database roles, from fewest rights to most. Any reader has fewer rights than any writer.
 * `tenant_*` sees the rows of its org, `*instance_*` those of its instance, `reader` and `writer` all rows.
 */
export const DB_ROLES = [
  'tenant_instance_reader',
  'tenant_reader',
  'instance_reader',
  'reader',
  'tenant_instance_writer',
  'tenant_writer',
  'instance_writer',
  'writer',
] as const;

/** One of the eight database roles. */
export type DbRole = (typeof DB_ROLES)[number];

export const isDbRole = (value: unknown): value is DbRole =>
  typeof value === 'string' && (DB_ROLES as readonly string[]).includes(value);

/** Comparator for `Array.prototype.sort`: negative when `left` has fewer rights than `right`. */
export const compareDbRoles = (left: DbRole, right: DbRole): number => DB_ROLES.indexOf(left) - DB_ROLES.indexOf(right);

export const greatestDbRole = (roles: readonly DbRole[]): DbRole | undefined => roles.toSorted(compareDbRoles).at(-1);

export const isTenantScoped = (role: DbRole): boolean => role.startsWith('tenant_');

export const isInstanceScoped = (role: DbRole): boolean => role.includes('instance_');

export const isWriter = (role: DbRole): boolean => role.endsWith('writer');

const INSTANCE_FORMS: Partial<Record<DbRole, DbRole>> = {
  reader: 'instance_reader',
  writer: 'instance_writer',
  tenant_reader: 'tenant_instance_reader',
  tenant_writer: 'tenant_instance_writer',
};

const PLAIN_FORMS: Partial<Record<DbRole, DbRole>> = {
  instance_reader: 'reader',
  instance_writer: 'writer',
  tenant_instance_reader: 'tenant_reader',
  tenant_instance_writer: 'tenant_writer',
};

/** The same rights, limited to one instance. */
export const toInstanceRole = (role: DbRole): DbRole => INSTANCE_FORMS[role] ?? role;

/** The same rights without the instance condition. */
export const toPlainRole = (role: DbRole): DbRole => PLAIN_FORMS[role] ?? role;

/**
 * The role with exactly the rights that all of these share: a writer only if all are writers, limited to the org if any is,
 * and to the instance if any is. This is not always the one that comes first in `DB_ROLES`: `reader` comes before
 * `tenant_writer` but sees other orgs' rows, so their common role is `tenant_reader`.
 */
export function intersectDbRoles(roles: readonly DbRole[]): DbRole | undefined {
  if (roles.length <= 1) return roles[0];
  const tenant = roles.some(isTenantScoped) ? 'tenant_' : '';
  const instance = roles.some(isInstanceScoped) ? 'instance_' : '';
  return `${tenant}${instance}${roles.every(isWriter) ? 'writer' : 'reader'}` as DbRole;
}
