import { createHash } from 'node:crypto';
import { quoteLiteral } from '@intendant/core/internal';
import type { ClientBase } from 'pg';

/** Functions by signature, e.g. `intendant.enqueue(text)`, with the SQL that makes them. */
export type Functions = Readonly<Record<string, string>>;

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
