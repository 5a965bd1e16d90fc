import { quoteIdentifier } from '../statement/identifier.ts';
import type { AuditSubject } from './audit-subject.ts';
import type { IsolationFinding } from './finding.ts';

/** Checks the attributes, memberships and default settings of the login and the eight roles. */
export async function auditLogins(subject: AuditSubject): Promise<IsolationFinding[]> {
  return [
    ...(await auditAttributes(subject)),
    ...(await auditMissingMemberships(subject)),
    ...(await auditInheritance(subject)),
    ...(await auditForeignMemberships(subject)),
    ...(await auditPrivilegedRoles(subject)),
    ...(await auditPresets(subject)),
  ];
}

/** Each attribute with what it allows a login to do. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  superuser: 'row security does not hold for it',
  bypassrls: 'row security does not hold for it',
  replication: 'it can read all that is written, whoever it belongs to',
  createrole: 'it can give itself other roles',
};

async function auditAttributes({ client, login, roles }: AuditSubject): Promise<IsolationFinding[]> {
  const { rows } = await client.query<{ name: string; attribute: string; isAdmin: boolean }>(
    `select r.rolname as name, a.attribute, r.rolname = current_user as "isAdmin"
     from pg_roles r
     cross join lateral (values
       ('superuser', r.rolsuper), ('bypassrls', r.rolbypassrls), ('replication', r.rolreplication), ('createrole', r.rolcreaterole)
     ) as a (attribute, is_set)
     where a.is_set and r.rolname = any($1)`,
    [[login, ...roles]],
  );
  return rows.map(({ name, attribute, isAdmin }) => ({
    rule: 'login-attribute',
    subject: name,
    message: `role ${name} is ${attribute}: ${ATTRIBUTES[attribute]}${isAdmin ? '; give the store a connection of another login than the admin' : ''}`,
    sql: isAdmin
      ? `create role intendant_application login noinherit password '<a secret>'`
      : `alter role ${quoteIdentifier(name)} no${attribute}`,
  }));
}

async function auditMissingMemberships({ client, login, roles }: AuditSubject): Promise<IsolationFinding[]> {
  const { rows } = await client.query<{ name: string; exists: boolean; hasOptions: boolean }>(
    `select wanted.name, r.oid is not null as exists,
       current_setting('server_version_num')::int >= 160000 as "hasOptions"
     from unnest($1::text[]) as wanted (name)
     left join pg_roles r on r.rolname = wanted.name
     join pg_roles l on l.rolname = $2
     where r.oid is null or not pg_has_role(l.oid, r.oid, 'MEMBER')`,
    [roles, login],
  );
  return rows.map(({ name, exists, hasOptions }) => ({
    rule: 'membership',
    subject: name,
    message: exists ? `the login ${login} cannot act as ${name}` : `role ${name} does not exist`,
    sql: [
      ...(exists ? [] : [`create role ${quoteIdentifier(name)} nologin noinherit`]),
      `grant ${quoteIdentifier(name)} to ${quoteIdentifier(login)}${hasOptions ? ' with inherit false, set true' : ''}`,
    ].join(';\n'),
  }));
}

/** From Postgres 16 on, each membership has its own inherit option; before, it is an attribute of the member. */
const INHERITS = `coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, l.rolinherit)`;

/** With inheritance the policies of all eight roles apply at once, the widest among them, even if no org is set. */
async function auditInheritance({ client, login, roles }: AuditSubject): Promise<IsolationFinding[]> {
  const { rows } = await client.query<{ name: string; grantor: string; isChoice: boolean }>(
    `select r.rolname as name, g.rolname as grantor, to_jsonb(m) ? 'inherit_option' as "isChoice"
     from pg_auth_members m
     join pg_roles r on r.oid = m.roleid
     join pg_roles l on l.oid = m.member
     join pg_roles g on g.oid = m.grantor
     where r.rolname = any($1) and l.rolname = $2 and ${INHERITS}`,
    [roles, login],
  );
  return rows.map(({ name, grantor, isChoice }) => ({
    rule: 'membership',
    subject: login,
    message: `the login ${login} inherits ${name}, so its policy holds for the login itself, without a context`,
    sql: isChoice
      ? `grant ${quoteIdentifier(name)} to ${quoteIdentifier(login)} with inherit false granted by ${quoteIdentifier(grantor)}`
      : `alter role ${quoteIdentifier(login)} noinherit`,
  }));
}

/** Memberships that register grants to other application logins do not inherit. One that inherits was granted by someone else. */
async function auditForeignMemberships({ client, login, roles }: AuditSubject): Promise<IsolationFinding[]> {
  const { rows } = await client.query<{ name: string; stranger: string }>(
    `select r.rolname as name, l.rolname as stranger
     from pg_auth_members m
     join pg_roles r on r.oid = m.roleid
     join pg_roles l on l.oid = m.member
     where r.rolname = any($1) and l.rolname <> $2 and not l.rolsuper and ${INHERITS}`,
    [roles, login],
  );
  return rows.map(({ name, stranger }) => ({
    rule: 'membership',
    subject: stranger,
    message: `role ${stranger} inherits ${name} and with it that role's rows`,
    sql: `revoke ${quoteIdentifier(name)} from ${quoteIdentifier(stranger)}`,
  }));
}

/** Predefined roles with access to the server's files and programs: https://www.postgresql.org/docs/current/predefined-roles.html */
const PRIVILEGED_ROLES = ['pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'];

/** Direct memberships that give the login, or a role it may act as, a role that row security does not limit. */
async function auditPrivilegedRoles({ client, login, roles }: AuditSubject): Promise<IsolationFinding[]> {
  const { rows } = await client.query<{ name: string; member: string; power: string }>(
    `select distinct on (1, 2) r.rolname as name, l.rolname as member, p.rolname as power
     from pg_auth_members m
     join pg_roles r on r.oid = m.roleid
     join pg_roles l on l.oid = m.member
     join pg_roles p on (p.rolsuper or p.rolbypassrls or p.rolname = any($2)) and pg_has_role(r.oid, p.oid, 'MEMBER')
     where l.rolname = any($1) and not l.rolsuper and not r.rolname = any($1)
       and (not r.rolsuper or p.oid = r.oid)
     order by 1, 2, 3`,
    [[login, ...roles], PRIVILEGED_ROLES],
  );
  return rows.map(({ name, member, power }) => ({
    rule: 'membership',
    subject: member,
    message: `role ${member} is a member of ${name}${name === power ? '' : ` and by that of ${power}`}, which gets around row security`,
    sql: `revoke ${quoteIdentifier(name)} from ${quoteIdentifier(member)}`,
  }));
}

/** Settings of a login or a database apply before any statement, so an org set there would apply to every caller. */
async function auditPresets({ client, login, roles }: AuditSubject): Promise<IsolationFinding[]> {
  const { rows } = await client.query<{ role: string | null; database: string | null; name: string }>(
    `select r.rolname as role, d.datname as database, split_part(entry, '=', 1) as name
     from pg_db_role_setting s
     cross join unnest(s.setconfig) as entry
     left join pg_roles r on r.oid = s.setrole
     left join pg_database d on d.oid = s.setdatabase
     where (s.setdatabase = 0 or d.datname = current_database())
       and (s.setrole = 0 or r.rolname = any($1))
       and (entry ~* '^intendant\\.' or entry ~* '^(role|session_replication_role|row_security)=')`,
    [[login, ...roles]],
  );
  return rows.map(({ role, database, name }) => {
    const inDatabase = database === null ? '' : ` in database ${quoteIdentifier(database)}`;
    const owner =
      role === null ? `database ${quoteIdentifier(database ?? '')}` : `role ${quoteIdentifier(role)}${inDatabase}`;
    return {
      rule: 'preset' as const,
      subject: role ?? database ?? '',
      message: `${name} is preset for ${role ?? `the database ${database}`}: every connection begins with it, whoever calls`,
      sql: `alter ${owner} reset ${name}`,
    };
  });
}
