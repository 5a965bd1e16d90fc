import { createHash } from 'node:crypto';
import { DB_ROLES } from '@intendant/core';
import { quoteIdentifier, quoteLiteral } from '@intendant/core/internal';
import type { ClientBase } from 'pg';

/** Functions by signature, e.g. `intendant.enqueue(text)`, with the SQL that makes them. */
export type Functions = Readonly<Record<string, string>>;

export const WRITING_ROLES = DB_ROLES.filter((role) => role.endsWith('writer'));

/** What is missing or was changed. The text of a function stands as a hash in its comment, so that a changed one is seen. */
export async function planFunctions(client: ClientBase, functions: Functions): Promise<string[]> {
  const plan: string[] = [];
  for (const [signature, sql] of Object.entries(functions)) {
    const fingerprint = `intendant ${createHash('sha256').update(sql).digest('hex').slice(0, 16)}`;
    const found = await client.query("select obj_description(to_regprocedure($1), 'pg_proc') as comment", [signature]);
    if (found.rows[0].comment === fingerprint) continue;
    plan.push(
      sql,
      `comment on function ${signature} is ${quoteLiteral(fingerprint)}`,
      `revoke all on function ${signature} from public`,
    );
  }
  return plan;
}

/** The right to call these functions, for those of the callers who lack it. */
export async function planExecution(
  client: ClientBase,
  signatures: readonly string[],
  callers: readonly string[],
): Promise<string[]> {
  const plan: string[] = [];
  for (const signature of signatures) {
    const granted = await callersOf(client, signature);
    const missing = callers.filter((caller) => !granted.has(caller));
    if (missing.length > 0) plan.push(`grant execute on function ${signature} to ${listed(missing)}`);
  }
  if (plan.length > 0) plan.push(`grant usage on schema intendant to ${listed(callers)}`);
  return plan;
}

const listed = (names: readonly string[]): string => names.map(quoteIdentifier).join(', ');

async function callersOf(client: ClientBase, signature: string): Promise<Set<string>> {
  const found = await client.query<{ name: string }>(
    `select r.rolname as name
     from pg_proc p cross join aclexplode(p.proacl) a join pg_roles r on r.oid = a.grantee
     where p.oid = to_regprocedure($1) and a.privilege_type = 'EXECUTE'`,
    [signature],
  );
  return new Set(found.rows.map(({ name }) => name));
}

/** These rights on a table of the framework, for those of the roles that lack any of them. */
export async function planTableRights(
  client: ClientBase,
  table: string,
  rights: readonly string[],
  roles: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select name from unnest($1::text[]) as name
     where to_regclass($2) is null
       or exists (select from unnest($3::text[]) as wanted where not has_table_privilege(name, to_regclass($2), wanted))`,
    [roles, table, rights],
  );
  if (rows.length === 0) return [];
  const names = listed(rows.map(({ name }) => name));
  return [`grant usage on schema intendant to ${names}`, `grant ${rights.join(', ')} on ${table} to ${names}`];
}
