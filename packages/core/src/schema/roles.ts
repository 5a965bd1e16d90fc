import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';
import { DB_ROLES } from '../context/db-role.ts';
import { STORE_ROLES, type StoreRole } from '../context/scope.ts';
import { MAX_IDENTIFIER_BYTES, quoteIdentifier } from '../statement/identifier.ts';

const LONGEST_ROLE = Math.max(...DB_ROLES.map((role) => role.length));

/**
 * The names of this database's roles. Roles belong to the whole cluster. So by default their names contain the name of the
 * database, and a login of one database is not a member of the roles of another one.
 */
export function roleNames(prefix: string): (role: StoreRole) => string {
  const room = MAX_IDENTIFIER_BYTES - LONGEST_ROLE - 1;
  const hash = createHash('sha256').update(prefix).digest('hex').slice(0, 8);
  const fitting =
    Buffer.byteLength(prefix) <= room
      ? prefix
      : `${Buffer.from(prefix)
          .subarray(0, room - 9)
          .toString()
          .replaceAll('\uFFFD', '')}_${hash}`;
  return (role) => `${fitting}_${role}`;
}

interface LiveRole {
  readonly name: string;
  readonly isPlain: boolean;
  /** Whether the login may act as the role. */
  readonly isMember: boolean;
  /** The role that granted an inheriting membership to the login, if any. */
  readonly inheritanceGrantors: readonly string[];
}

const LIVE_ROLES = `
  select
    r.rolname as name,
    not (r.rolsuper or r.rolbypassrls or r.rolcanlogin <> $3 or r.rolcreaterole or r.rolcreatedb) as "isPlain",
    exists (
      select from pg_auth_members m
      join pg_roles l on l.oid = m.member
      where m.roleid = r.oid and l.rolname = $2 and coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
    ) as "isMember",
    array(
      select pg_get_userbyid(m.grantor)::text
      from pg_auth_members m
      join pg_roles l on l.oid = m.member
      where m.roleid = r.oid and l.rolname = $2 and (to_jsonb(m) ->> 'inherit_option')::boolean
    ) as "inheritanceGrantors"
  from pg_roles r
  where r.rolname = any($1)`;

/**
 * Plans the store's roles without attributes, and the login's membership in each. A superuser needs no membership. Where tables
 * are distributed, the roles may log in, without a password: the coordinator of Citus connects to the nodes as the role in force.
 */
export async function planRoles(
  client: ClientBase,
  roleName: (role: StoreRole) => string,
  login: string,
  isDistributed: boolean,
): Promise<string[]> {
  const wanted = STORE_ROLES.map(roleName);
  const loginOption = isDistributed ? 'login' : 'nologin';
  const { rows } = await client.query<LiveRole>(LIVE_ROLES, [wanted, login, isDistributed]);
  const live = new Map(rows.map((row) => [row.name, row]));
  const { rows: logins } = await client.query<{ isSuper: boolean; inherits: boolean; version: number }>(
    `select rolsuper as "isSuper", rolinherit as inherits, current_setting('server_version_num')::int as version from pg_roles where rolname = $1`,
    [login],
  );
  const hasOptions = (logins[0]?.version ?? 0) >= 160_000;
  const options = hasOptions ? ' with inherit false, set true' : '';
  const mustNotInherit = !hasOptions && logins[0]?.inherits && !logins[0].isSuper;
  const plan = wanted.flatMap((role) => {
    const found = live.get(role);
    return [
      ...(found ? [] : [createRole(role, loginOption)]),
      ...(found && !found.isPlain
        ? [`alter role ${quoteIdentifier(role)} ${loginOption} nosuperuser nobypassrls nocreaterole nocreatedb`]
        : []),
      ...(found?.isMember || logins[0]?.isSuper
        ? []
        : [`grant ${quoteIdentifier(role)} to ${quoteIdentifier(login)}${options}`]),
      ...(found?.inheritanceGrantors ?? []).map(
        (grantor) =>
          `grant ${quoteIdentifier(role)} to ${quoteIdentifier(login)} with inherit false granted by ${quoteIdentifier(grantor)}`,
      ),
    ];
  });
  return mustNotInherit ? [...plan, `alter role ${quoteIdentifier(login)} noinherit`] : plan;
}

/** Two databases with the same prefix may create the same role at the same time. */
const createRole = (role: string, loginOption: string): string =>
  `do $do$ begin create role ${quoteIdentifier(role)} ${loginOption} noinherit; exception when duplicate_object or unique_violation then null; end $do$`;

/** Becomes the service role, $1, until the transaction ends, if the current login may not do everything itself. */
export const SET_SERVICE_ROLE = `
  select set_config('role', r.rolname, true)
  from pg_roles r, pg_roles me, pg_namespace n
  where r.rolname = $1 and me.rolname = current_user and n.nspname = 'intendant'
    and not me.rolsuper and not pg_has_role(n.nspowner, 'member') and pg_has_role(r.oid, 'member')`;
