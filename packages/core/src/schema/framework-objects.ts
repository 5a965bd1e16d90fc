import type { ClientBase } from 'pg';
import { DB_ROLES } from '../context/db-role.ts';
import { SERVICE_ROLE, STORE_ROLES, type StoreRole } from '../context/scope.ts';
import { qualifiedName, quoteIdentifier } from '../statement/identifier.ts';
import type { Difference } from './difference.ts';
import { compareGrants, tablePrivileges, type WantedGrants } from './grants.ts';
import { readFunctionGrants, readSchemaGrants, readSequenceGrants } from './live-grants.ts';
import { type LiveAccess, readLiveAccess, readPartitions } from './live-schema.ts';
import { callerPolicies, comparePolicies, type WantedPolicy } from './policies.ts';
import type { TenantColumns } from './tenant-condition.ts';

/** A table of the framework. */
export interface FrameworkTable {
  /** The unquoted name, e.g. `change_log`. Its partitions get the same protection, and can only be accessed through it. */
  readonly name: string;
  /** The privileges of the service role. Default select, insert, update, delete. */
  readonly service?: readonly string[];
  /** Whether callers' roles may read their own rows, by `org_id` and `instance_id`. Default: callers have no access. */
  readonly callers?: TenantColumns & {
    /** Whether callers' writer roles may write their own rows too. Default false. */
    readonly write?: boolean;
  };
}

/** Rights by role, e.g. `{ service: ['usage'] }`. Roles that are not named have none. */
export type GrantsByRole = Partial<Readonly<Record<StoreRole, readonly string[]>>>;

/** The objects of one part of the framework in one schema. Each has the name that it has after the part's plan has run. */
export interface FrameworkObjects {
  /** Default `intendant`. */
  readonly schema?: string;
  readonly tables?: readonly FrameworkTable[];
  /** By name, unquoted. */
  readonly sequences?: Readonly<Record<string, GrantsByRole>>;
  /**
   * The roles that may call each function, by signature with the schema, e.g. `intendant.has_job(text, jsonb)`; none
   * for trigger functions.
   */
  readonly functions?: Readonly<Record<string, readonly StoreRole[]>>;
}

type RoleNames = (role: StoreRole) => string;

/**
 * The SQL that limits the framework's own objects to the service role, as `register` limits tenants' tables to the eight
 * roles: row security enabled and forced, a policy for the owner (SECURITY DEFINER functions run as it, and it need
 * not be a superuser), a policy for the service role, and no right for any other role, the login included. Empty
 * when nothing is missing. Also repairs databases that an older version registered.
 */
export async function planProtection(
  client: ClientBase,
  objects: FrameworkObjects,
  roleName: RoleNames,
): Promise<string[]> {
  const differences = await compareFramework(client, objects, roleName);
  return differences.flatMap(({ statements }) => statements);
}

/** The same as a list of differences, each with its reason and the object concerned; for the audit. */
export async function compareFramework(
  client: ClientBase,
  objects: FrameworkObjects,
  roleName: RoleNames,
): Promise<FrameworkDifference[]> {
  const { schema = 'intendant' } = objects;
  return [
    ...(await compareUsage(client, schema, objects, roleName)),
    ...(await compareTables(client, schema, objects.tables ?? [], roleName)),
    ...(await compareSequences(client, schema, objects.sequences ?? {}, roleName)),
    ...(await compareFunctions(client, objects.functions ?? {}, roleName)),
  ];
}

export interface FrameworkDifference extends Difference {
  /** The object concerned, e.g. `intendant.change_log`. */
  readonly subject: string;
}

const about = (subject: string, differences: readonly Difference[]): FrameworkDifference[] =>
  differences.map((difference) => ({ subject, ...difference }));

/** Several parts share a schema, so only the login's and PUBLIC's grants on it are revoked: others may belong to another part. */
async function compareUsage(
  client: ClientBase,
  schema: string,
  objects: FrameworkObjects,
  roleName: RoleNames,
): Promise<FrameworkDifference[]> {
  const stored = await readSchemaGrants(client, schema);
  const known = new Map(STORE_ROLES.map((role) => [roleName(role), ['usage']]));
  const needed = new Set(usersOf(objects).map(roleName));
  const wanted = new Map([...known].filter(([name]) => needed.has(name) || holds(stored, name)));
  return about(schema, compareGrants(`schema ${quoteIdentifier(schema)}`, stored, wanted));
}

const holds = (stored: readonly { grantee: string; privilege: string }[], name: string): boolean =>
  stored.some(({ grantee, privilege }) => grantee === name && privilege === 'usage');

const usersOf = ({ tables = [], sequences = {}, functions = {} }: FrameworkObjects): StoreRole[] => [
  SERVICE_ROLE,
  ...(tables.some(({ callers }) => callers) ? DB_ROLES : []),
  ...Object.values(sequences).flatMap((grants) => Object.keys(grants) as StoreRole[]),
  ...Object.values(functions).flat(),
];

async function compareTables(
  client: ClientBase,
  schema: string,
  tables: readonly FrameworkTable[],
  roleName: RoleNames,
): Promise<FrameworkDifference[]> {
  const names = tables.map(({ name }) => name);
  const partitions = (await readPartitions(client, schema, names)).filter((name) => !names.includes(name));
  const live = await readLiveAccess(client, schema, [...names, ...partitions]);
  const owner = await currentUser(client);
  return [
    ...tables.flatMap((table) => {
      const stored = live.get(table.name);
      const policies = [ownerPolicy(stored?.owner ?? owner), ...policiesOf(table, roleName)];
      return compareTable(schema, table.name, stored, policies, grantsOf(table, roleName));
    }),
    ...partitions.flatMap((name) => {
      const stored = live.get(name);
      return compareTable(schema, name, stored, [ownerPolicy(stored?.owner ?? owner)], new Map());
    }),
  ];
}

async function currentUser(client: ClientBase): Promise<string> {
  const { rows } = await client.query<{ name: string }>('select current_user::text as name');
  return (rows[0] as { name: string }).name;
}

function compareTable(
  schema: string,
  name: string,
  live: LiveAccess | undefined,
  policies: readonly WantedPolicy[],
  grants: WantedGrants,
): FrameworkDifference[] {
  const target = qualifiedName(schema, name);
  const missing = (reason: string, rest: string): Difference => ({
    reason,
    statements: [`alter table ${target} ${rest}`],
  });
  return about(`${schema}.${name}`, [
    ...(live?.hasRowSecurity ? [] : [missing('row security is off', 'enable row level security')]),
    ...(live?.isRowSecurityForced ? [] : [missing('row security is not forced', 'force row level security')]),
    ...comparePolicies(target, live, policies),
    ...compareGrants(target, live?.grants ?? [], grants),
  ]);
}

const ownerPolicy = (owner: string): WantedPolicy => ({
  name: 'intendant_owner',
  role: owner,
  command: 'all',
  condition: 'true',
});

function policiesOf({ callers }: FrameworkTable, roleName: RoleNames): WantedPolicy[] {
  const service = {
    name: 'intendant_service',
    role: roleName(SERVICE_ROLE),
    command: 'all',
    condition: 'true',
  } as const;
  if (!callers) return [service];
  return [service, ...callerPolicies(callers, roleName, callers.write ?? false)];
}

function grantsOf({ service, callers }: FrameworkTable, roleName: RoleNames): WantedGrants {
  const ofService = [roleName(SERVICE_ROLE), service ?? ['select', 'insert', 'update', 'delete']] as const;
  const ofCallers = DB_ROLES.map(
    (role) => [roleName(role), callers?.write ? tablePrivileges(role) : ['select']] as const,
  );
  return new Map([ofService, ...(callers ? ofCallers : [])]);
}

async function compareSequences(
  client: ClientBase,
  schema: string,
  sequences: Readonly<Record<string, GrantsByRole>>,
  roleName: RoleNames,
): Promise<FrameworkDifference[]> {
  const stored = await readSequenceGrants(client, schema, Object.keys(sequences));
  return Object.entries(sequences).flatMap(([name, byRole]) => {
    const wanted = new Map(
      Object.entries(byRole).map(([role, privileges]) => [roleName(role as StoreRole), privileges]),
    );
    const target = `sequence ${qualifiedName(schema, name)}`;
    return about(`${schema}.${name}`, compareGrants(target, stored.get(name) ?? [], wanted));
  });
}

async function compareFunctions(
  client: ClientBase,
  functions: Readonly<Record<string, readonly StoreRole[]>>,
  roleName: RoleNames,
): Promise<FrameworkDifference[]> {
  const stored = await readFunctionGrants(client, Object.keys(functions));
  return Object.entries(functions).flatMap(([signature, callers]) => {
    const wanted = new Map(callers.map((role) => [roleName(role), ['execute']]));
    const grants = stored.get(signature) ?? [EVERYBODY_MAY_CALL];
    return about(signature, compareGrants(`function ${signature}`, grants, wanted));
  });
}

/** The privileges that Postgres grants on a new function. */
const EVERYBODY_MAY_CALL = { grantee: 'public', privilege: 'execute', isGrantable: false, column: null };
