import {
  type Executor,
  type Scope,
  type Statement,
  type StatementResult,
  translateError,
} from '@intendant/core/internal';

/** Returns the rows of a query under the caller's scope. Throws the same errors as a session. */
export async function scopedQuery(
  executor: Executor,
  scope: Scope,
  operation: string,
  statement: Statement,
): Promise<StatementResult['rows']> {
  try {
    const [found] = await executor.run(scope, [statement]);
    return (found as StatementResult).rows;
  } catch (error) {
    throw translateError(error, { operation });
  }
}
