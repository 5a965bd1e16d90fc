import type { ClientBase } from 'pg';
import { DB_ROLES } from '../context/db-role.ts';
import { SERVICE_ROLE, type StoreRole } from '../context/scope.ts';
import { quoteIdentifier } from '../statement/identifier.ts';
import { FRAMEWORK_SCHEMA } from '../table/framework-schema.ts';
import { REVISION_FUNCTION } from './revision-trigger.ts';
import { planRoles } from './roles.ts';

interface LiveFoundation {
  readonly hasFrameworkSchema: boolean;
  readonly hasUserSchema: boolean;
  readonly revisionFunction: string | null;
}

/** Plans what all tables need: the schemas, the roles and their access to the schemas, and the revision trigger. */
export async function planFoundation(
  client: ClientBase,
  schemaName: string,
  roleName: (role: StoreRole) => string,
  login: string,
  isDistributed: boolean,
): Promise<string[]> {
  const { rows } = await client.query<LiveFoundation>(
    `select
       to_regnamespace('intendant') is not null as "hasFrameworkSchema",
       exists (select from pg_namespace where nspname = $1) as "hasUserSchema",
       (select p.prosrc from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'intendant' and p.proname = 'keep_revision' and p.pronargs = 0) as "revisionFunction"`,
    [schemaName],
  );
  const live = rows[0] as LiveFoundation;
  return [
    ...(live.hasFrameworkSchema ? [] : ['create schema intendant']),
    ...(live.hasUserSchema ? [] : [`create schema ${quoteIdentifier(schemaName)}`]),
    ...(live.revisionFunction !== null && REVISION_FUNCTION.includes(live.revisionFunction) ? [] : [REVISION_FUNCTION]),
    ...(await planRoles(client, roleName, login, isDistributed)),
    ...(await planSchemaUsage(client, schemaName, DB_ROLES.map(roleName))),
    ...(await planSchemaUsage(client, FRAMEWORK_SCHEMA, [roleName(SERVICE_ROLE)])),
  ];
}

async function planSchemaUsage(client: ClientBase, schemaName: string, wanted: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select r.rolname as name
     from pg_namespace n
     cross join aclexplode(n.nspacl) g
     join pg_roles r on r.oid = g.grantee
     where n.nspname = $1 and g.privilege_type = 'USAGE' and r.rolname = any($2)`,
    [schemaName, wanted],
  );
  const missing = wanted.filter((role) => !rows.some(({ name }) => name === role));
  if (missing.length === 0) return [];
  return [`grant usage on schema ${quoteIdentifier(schemaName)} to ${missing.map(quoteIdentifier).join(', ')}`];
}
