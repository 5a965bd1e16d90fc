import { qualifiedName, quoteIdentifier } from '../statement/identifier.ts';
import type { AuditSubject } from './audit-subject.ts';
import type { IsolationFinding } from './finding.ts';

/** Finds views and functions that run with the rights of a role that row security does not limit. */
export async function auditBypasses(subject: AuditSubject): Promise<IsolationFinding[]> {
  return [...(await auditViews(subject)), ...(await auditFunctions(subject))];
}

interface OpenView {
  readonly schemaName: string;
  readonly name: string;
  readonly owner: string;
  readonly isMaterialized: boolean;
  readonly grantees: string[];
}

/** A view reads with its owner's rights unless it is `security_invoker`. A materialized view is a copy without policies. */
const OPEN_VIEWS = `
  with recursive reading (oid) as (
    select c.oid
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.relrowsecurity and n.nspname = $1
    union
    select w.ev_class
    from reading r
    join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = r.oid and d.classid = 'pg_rewrite'::regclass
    join pg_rewrite w on w.oid = d.objid
  )
  select n.nspname as "schemaName", c.relname as name, o.rolname as owner, c.relkind = 'm' as "isMaterialized",
    array(select distinct case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee)::text end
      from aclexplode(c.relacl) a where a.grantee <> c.relowner order by 1) as grantees
  from reading
  join pg_class c on c.oid = reading.oid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_roles o on o.oid = c.relowner
  where c.relkind in ('v', 'm')
    and (c.relkind = 'm' or not coalesce(c.reloptions::text ~* 'security_invoker=(true|on|yes|1)', false))
    and (c.relkind = 'm' or o.rolsuper or o.rolbypassrls
      or exists (select from pg_roles r where r.rolname = any($2) and pg_has_role(o.oid, r.oid, 'USAGE')))
    and (
      exists (select from aclexplode(c.relacl) a where a.grantee <> c.relowner)
      or exists (select from pg_roles r where r.rolname = any($2) and pg_has_role(r.oid, o.oid, 'MEMBER') and not r.rolsuper))
  order by 1, 2`;

async function auditViews({ client, schemaName, roles, login }: AuditSubject): Promise<IsolationFinding[]> {
  const { rows } = await client.query<OpenView>(OPEN_VIEWS, [schemaName, [...roles, login]]);
  return rows.map((view) => {
    const name = qualifiedName(view.schemaName, view.name);
    const grantees = view.grantees.map((grantee) => (grantee === 'public' ? grantee : quoteIdentifier(grantee)));
    return {
      rule: 'view',
      subject: view.name,
      message: view.isMaterialized
        ? `the materialized view ${view.name} is a copy of tenants' rows that no policy guards, and others may read it`
        : `the view ${view.name} shows what its owner ${view.owner} sees, to whoever may read it`,
      sql: view.isMaterialized
        ? `revoke all on ${name} from ${grantees.join(', ') || quoteIdentifier(view.owner)}`
        : `alter view ${name} set (security_invoker = true)`,
    };
  });
}

interface OpenFunction {
  readonly signature: string;
  readonly owner: string;
  readonly isLeakproof: boolean;
}

/**
 * What a function reads is not visible in the catalog. So every function that the login may call and that runs as a role
 * that sees all rows is reported, except trigger functions (not callable), the framework's own in schema `intendant`, and
 * those of extensions.
 */
const OPEN_FUNCTIONS = `
  select format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as signature,
    o.rolname as owner, p.proleakproof as "isLeakproof"
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  join pg_roles o on o.oid = p.proowner
  where n.nspname not in ('pg_catalog', 'information_schema', 'intendant')
    and p.prorettype <> 'trigger'::regtype and p.prorettype <> 'event_trigger'::regtype
    and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
    and (p.proleakproof or (p.prosecdef and (o.rolsuper or o.rolbypassrls
      or exists (select from pg_roles r where r.rolname = any($1) and pg_has_role(o.oid, r.oid, 'USAGE')))))
    and exists (
      select from pg_roles r where r.rolname = any($1) and not r.rolsuper and has_function_privilege(r.oid, p.oid, 'EXECUTE'))
  order by 1`;

async function auditFunctions({ client, roles, login }: AuditSubject): Promise<IsolationFinding[]> {
  const { rows } = await client.query<OpenFunction>(OPEN_FUNCTIONS, [[...roles, login]]);
  return rows.map(({ signature, owner, isLeakproof }) => ({
    rule: 'function',
    subject: signature,
    message: isLeakproof
      ? `the function ${signature} is marked leakproof: a planner may call it on rows before the policy hides them`
      : `the function ${signature} runs with the rights of ${owner}, whom row security does not restrict, and the login may call it`,
    sql: isLeakproof
      ? `alter function ${signature} not leakproof`
      : `revoke execute on function ${signature} from public, ${[login, ...roles].map(quoteIdentifier).join(', ')}`,
  }));
}
