import { createRequire } from 'node:module';
import type { ClientBase } from 'pg';
import { JOBS_SCHEMA } from './job-functions.ts';

/*
 * pg-boss is a large library, and most processes need nothing of it but these two versions. So they are read here without
 * loading it.
 */

const manifest = createRequire(import.meta.url)('pg-boss/package.json') as {
  readonly pgboss: { readonly schema: number };
};

/** The version of its schema that this release of pg-boss works with. */
export const WANTED_VERSION = manifest.pgboss.schema;

/** The version of pg-boss' schema in this database; null when there is none. */
export async function installedVersion(client: ClientBase): Promise<number | null> {
  const table = `${JOBS_SCHEMA}.version`;
  const found = await client.query<{ name: string | null }>('select to_regclass($1) as name', [table]);
  if (found.rows[0]?.name == null) return null;
  const { rows } = await client.query<{ version: number }>(`select version from ${table}`);
  return rows[0]?.version ?? null;
}
