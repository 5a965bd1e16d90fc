import { createHash } from 'node:crypto';
import { quoteLiteral } from '@intendant/core/internal';
import type { ClientBase } from 'pg';

/** The SQL that creates each function, by its signature, e.g. `intendant.enqueue(text)`. */
export type Functions = Readonly<Record<string, string>>;

/**
 * Returns the SQL for missing and changed functions. The hash of a function's text is stored in its comment, so a
 * changed text is detected.
 */
export async function planFunctions(client: ClientBase, functions: Functions): Promise<string[]> {
  const stored = await readComments(client, Object.keys(functions));
  return Object.entries(functions).flatMap(([signature, sql]) => {
    const fingerprint = `intendant ${createHash('sha256').update(sql).digest('hex').slice(0, 16)}`;
    if (stored.get(signature) === fingerprint) return [];
    return [
      sql,
      `comment on function ${signature} is ${quoteLiteral(fingerprint)}`,
      `revoke all on function ${signature} from public`,
    ];
  });
}

/** The comment of each function, by signature; null if it has none or does not exist. */
async function readComments(client: ClientBase, signatures: readonly string[]): Promise<Map<string, string | null>> {
  const { rows } = await client.query<{ signature: string; comment: string | null }>(
    `select signature, obj_description(to_regprocedure(signature), 'pg_proc') as comment from unnest($1::text[]) as signature`,
    [signatures],
  );
  return new Map(rows.map(({ signature, comment }) => [signature, comment]));
}
