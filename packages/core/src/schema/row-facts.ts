import type { ClientBase } from 'pg';
import { quoteIdentifier } from '../statement/identifier.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { LiveTable } from './live-schema.ts';
import { type RowFacts, unusedColumns } from './plan-columns.ts';

/** Columns of the framework that a definition may enable and disable. */
const FRAMEWORK_COLUMNS = new Set(['org_id', 'instance_id', 'revision', 'created_at', 'updated_at', 'deleted_at']);

const NOTHING: ReadonlySet<string> = new Set();

/**
 * Reads rows where the catalogs do not show whether a change would hide, show again or split data: if columns are no
 * longer in the definition while others are new, and if a table with soft-deleted rows no longer has soft deletion.
 */
export async function readRowFacts(
  client: ClientBase,
  table: RegisteredTable,
  live: LiveTable | undefined,
  readerRole: string,
): Promise<RowFacts['filled']> {
  if (live === undefined || live.isEmpty) return NOTHING;
  const names = questionableColumns(table, live);
  if (names.length === 0) return NOTHING;
  const list = names.map(
    (name, index) =>
      `exists (select 1 from ${table.qualifiedName} where ${quoteIdentifier(name)} is not null) as c${index}`,
  );
  const [row] = await readAllRows<Record<string, boolean>>(client, table, `select ${list.join(', ')}`, readerRole);
  return new Set(names.filter((_, index) => row?.[`c${index}`]));
}

function questionableColumns(table: RegisteredTable, live: LiveTable): string[] {
  const left = unusedColumns(table, live).map(({ name }) => name);
  const hasNew = table.columns.some(({ name }) => !live.columns.some((stored) => stored.name === name));
  return left.filter((name) => (FRAMEWORK_COLUMNS.has(name) ? name === 'deleted_at' : hasNew));
}

/**
 * Reads the table without its row security, which applies to its owner too: as a superuser; else as the owner, who
 * disables it for the moment (a rollback enables it again); else as the role that reads all orgs' rows.
 */
async function readAllRows<Row extends Record<string, unknown>>(
  client: ClientBase,
  { qualifiedName }: RegisteredTable,
  sql: string,
  readerRole: string,
): Promise<Row[]> {
  const { rows } = await client.query<{ isFree: boolean; isOwner: boolean }>(
    `select r.rolsuper or r.rolbypassrls as "isFree", pg_has_role(c.relowner, 'usage') as "isOwner"
     from pg_roles r, pg_class c where r.rolname = current_user and c.oid = $1::regclass`,
    [qualifiedName],
  );
  const { isFree, isOwner } = rows[0] as { isFree: boolean; isOwner: boolean };
  if (isFree) return (await client.query<Row>(sql)).rows;
  await client.query('savepoint intendant_look');
  if (isOwner) await client.query(`alter table ${qualifiedName} no force row level security`);
  else await client.query(`select set_config('role', $1, true)`, [readerRole]);
  const found = await client.query<Row>(sql);
  await client.query('rollback to savepoint intendant_look; release savepoint intendant_look');
  return found.rows;
}
