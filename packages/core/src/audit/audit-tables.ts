import { compareGrants, tableGrants } from '../schema/grants.ts';
import { type LiveTable, readLiveTables } from '../schema/live-schema.ts';
import { compareTablePolicies, type PolicyTarget } from '../schema/policies.ts';
import { qualifiedName, quoteIdentifier } from '../statement/identifier.ts';
import type { AuditSubject } from './audit-subject.ts';
import type { IsolationFinding } from './finding.ts';

interface AuditedTable extends PolicyTarget {
  readonly name: string;
}

/** Checks row security, policies, rights and owner of each table. */
export async function auditTables(subject: AuditSubject): Promise<IsolationFinding[]> {
  const names = [...new Set([...subject.tables.map(({ name }) => name), ...(await openTables(subject))])];
  const live = await readAudited(subject, names);
  const findings = names.map((name) => {
    const stored = live.get(name);
    const table = subject.tables.find((registered) => registered.name === name) ?? tableAsStored(subject, name, stored);
    return stored ? auditTable(table, stored, subject) : [missing(table)];
  });
  return [...findings.flat(), ...(await auditOwners(subject, names))];
}

/** Registered tables in the schema in which they are registered; others in the store's schema. */
async function readAudited({ client, schemaName, tables }: AuditSubject, names: readonly string[]) {
  const live = new Map<string, LiveTable>();
  const schemas = new Map(tables.map((table) => [table.name, table.schemaName]));
  for (const [schema, own] of Map.groupBy(names, (name) => schemas.get(name) ?? schemaName))
    for (const [name, table] of await readLiveTables(client, schema, own)) live.set(name, table);
  return live;
}

/** Tables that this store has not registered, that hold tenants' rows, and that the roles can access. */
async function openTables({ client, schemaName, roles, login }: AuditSubject): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name
     from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped
     where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition
       and exists (
         select from pg_roles r
         where r.rolname = any($2) and not r.rolsuper and has_any_column_privilege(r.oid, c.oid, 'select, insert, update'))
     order by 1`,
    [schemaName, [...roles, login]],
  );
  return rows.map(({ name }) => name);
}

function tableAsStored(
  { schemaName, isDistributed }: AuditSubject,
  name: string,
  live: LiveTable | undefined,
): AuditedTable {
  const has = (column: string) => live?.columns.some((candidate) => candidate.name === column) ?? false;
  return {
    name,
    qualifiedName: qualifiedName(schemaName, name),
    isTenanted: has('org_id'),
    isInstanced: has('instance_id'),
    placement: isDistributed && has('org_id') ? 'by-org' : 'here',
  };
}

const missing = ({ name }: AuditedTable): IsolationFinding => ({
  rule: 'table-missing',
  subject: name,
  message: `table ${name} is registered, but missing in the database`,
  sql: '-- call store.register again; store.planSchema shows what it runs',
});

export function auditTable(table: AuditedTable, live: LiveTable, { roleName }: AuditSubject): IsolationFinding[] {
  const { name, qualifiedName: target } = table;
  const found = (rule: IsolationFinding['rule'], message: string, sql: string): IsolationFinding => ({
    rule,
    subject: name,
    message: `table ${name}: ${message}`,
    sql,
  });
  return [
    ...(live.hasRowSecurity
      ? []
      : [
          found(
            'row-security',
            'row security is off, so every role sees all rows',
            `alter table ${target} enable row level security`,
          ),
        ]),
    ...(live.isRowSecurityForced
      ? []
      : [
          found(
            'row-security',
            'row security is not forced, so its owner sees all rows',
            `alter table ${target} force row level security`,
          ),
        ]),
    ...compareTablePolicies(table, live, roleName).map(({ reason, statements }) =>
      found('policy', reason, statements.join(';\n')),
    ),
    ...compareGrants(target, live.grants, tableGrants(roleName)).map(({ reason, statements }) =>
      found('grant', reason, statements.join(';\n')),
    ),
  ];
}

/** The owner of a table may disable its row security. So neither the login nor a role that it may act as may be the owner. */
async function auditOwners({ client, schemaName, login }: AuditSubject, names: string[]): Promise<IsolationFinding[]> {
  const { rows } = await client.query<{ name: string; owner: string; admin: string }>(
    `select c.relname as name, o.rolname as owner, current_user as admin
     from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     join pg_roles o on o.oid = c.relowner
     join pg_roles l on l.rolname = $3
     where n.nspname = $1 and c.relname = any($2) and not l.rolsuper and pg_has_role(l.oid, o.oid, 'MEMBER')
     order by 1`,
    [schemaName, names, login],
  );
  return rows.map(({ name, owner, admin }) => ({
    rule: 'table-owner' as const,
    subject: name,
    message: `table ${name} belongs to ${owner}, which the login ${login} can act as: it could switch row security off`,
    sql: transferOwnership(qualifiedName(schemaName, name), admin === login ? undefined : admin),
  }));
}

/** Transfers ownership to the administrator if that is another role, or to a role that cannot log in. */
function transferOwnership(table: string, admin: string | undefined): string {
  if (admin !== undefined) return `alter table ${table} owner to ${quoteIdentifier(admin)}`;
  return [
    'do $do$ begin create role intendant_owner nologin; exception when duplicate_object then null; end $do$',
    `alter table ${table} owner to intendant_owner`,
  ].join(';\n');
}
