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
