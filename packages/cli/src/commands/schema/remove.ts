import { DB_ROLES } from '@intendant/core';
import { derivedName, qualifiedName, quoteIdentifier, readConnection } from '@intendant/core/internal';
import { removeReplication } from '@intendant/subscription/internal';
import type pg from 'pg';
import type { Workspace } from '../../database/workspace.ts';
import { confirm } from '../../output/confirm.ts';
import type { Printer } from '../../output/printer.ts';
import type { Cli } from '../../run/cli.ts';

interface RemoveFlags {
  readonly withTables?: boolean;
  readonly yes?: boolean;
}

const SCHEMAS = ['intendant', 'intendant_jobs'];
const STILL_USED = '2BP01';

/** Asks, then removes all objects of Intendant from the database in one transaction, and then its roles. */
export async function removeSchema(
  cli: Cli,
  printer: Printer,
  workspace: Workspace,
  flags: RemoveFlags,
): Promise<void> {
  const client = await workspace.admin();
  const found = await readContents(client, workspace);
  if (found.isEmpty) {
    cli.nothingFound();
    return printer.result({ removed: false }, () =>
      printer.note('intendant: this database contains nothing of Intendant'),
    );
  }
  const withTables = flags.withTables === true;
  if (!(await confirm(cli.io, questionFor(found, withTables), flags.yes === true)))
    return printer.note('Nothing was removed.');
  await removeReplication(client, readConnection('adminConnection', workspace.settings.adminConnection));
  await inTransaction(client, async () => {
    for (const sql of removalOf(workspace.schemaName, found, withTables)) await client.query(sql);
  });
  const keptRoles = await dropRoles(client, found.roles);
  for (const role of keptRoles) printer.note(`Role ${role} stays: another database uses it.`);
  const { statusTables, tables, roles } = found;
  printer.result({ removed: true, statusTables, tables: withTables ? tables : [], roles, keptRoles }, () =>
    printer.paragraph(
      withTables
        ? 'Everything of Intendant is removed, your tables included.'
        : `Everything of Intendant is removed. ${tables.length} tables with their rows stay; only their owner can read them.`,
    ),
  );
}

interface Contents {
  readonly tables: readonly string[];
  readonly statusTables: readonly string[];
  readonly schemas: readonly string[];
  readonly roles: readonly string[];
  readonly isEmpty: boolean;
}

async function readContents(client: pg.ClientBase, workspace: Workspace): Promise<Contents> {
  const { realized, plain, rolePrefix } = await workspace.discovery();
  const prefix = workspace.settings.rolePrefix ?? rolePrefix;
  const roles =
    prefix === undefined
      ? []
      : await existing(
          client,
          'pg_roles',
          'rolname',
          [...DB_ROLES, 'service'].map((role) => `${prefix}_${role}`),
        );
  const schemas = await existing(client, 'pg_namespace', 'nspname', SCHEMAS);
  const statusTables = realized.flatMap(({ name }) => [
    derivedName('overall_status', name),
    derivedName('enforcement_status', name),
  ]);
  const tables = [...realized, ...plain].map(({ name }) => name);
  return { tables, statusTables, schemas, roles, isEmpty: tables.length + schemas.length + roles.length === 0 };
}

async function existing(
  client: pg.ClientBase,
  catalog: string,
  column: string,
  names: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select ${column} as name from ${catalog} where ${column} = any($1) order by 1`,
    [names],
  );
  return rows.map(({ name }) => name);
}

const questionFor = ({ tables, statusTables, schemas, roles }: Contents, withTables: boolean): string =>
  [
    `Remove ${statusTables.length} status tables, the schemas ${schemas.join(' and ') || 'none'} and ${roles.length} roles`,
    withTables
      ? `and drop ${tables.join(', ')} with all rows?`
      : `and keep the rows of ${tables.join(', ') || 'no table'}?`,
  ].join(', ');

function removalOf(
  schemaName: string,
  { tables, statusTables, schemas, roles }: Contents,
  withTables: boolean,
): string[] {
  const name = (table: string) => qualifiedName(schemaName, table);
  return [
    ...[...statusTables, 'submitted_operation'].map((table) => `drop table if exists ${name(table)} cascade`),
    ...schemas.map((schema) => `drop schema ${quoteIdentifier(schema)} cascade`), // and with it the triggers
    ...(withTables
      ? tables.map((table) => `drop table ${name(table)} cascade`)
      : tables.map((table) => `alter table ${name(table)} no force row level security`)),
    ...roles.map((role) => `drop owned by ${quoteIdentifier(role)}`), // rights and policies in this database
  ];
}

async function inTransaction(client: pg.ClientBase, run: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    await run();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** Roles belong to the cluster. Returns those that another database still uses. */
async function dropRoles(client: pg.ClientBase, roles: readonly string[]): Promise<string[]> {
  const kept: string[] = [];
  for (const role of roles) {
    try {
      await client.query(`drop role ${quoteIdentifier(role)}`);
    } catch (error) {
      if ((error as { code?: string }).code !== STILL_USED) throw error;
      kept.push(role);
    }
  }
  return kept;
}
