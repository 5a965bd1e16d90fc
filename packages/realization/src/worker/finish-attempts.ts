import { arrayLiteral, type Executor, type Statement } from '@intendant/core/internal';
import { identityArrays } from '../resource/identity-set.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import { finishFunction } from './finish-function.ts';
import type { Settled } from './settler.ts';

/**
 * The last mark of successful attempts. All attempts that ended together are written in one call of the table's
 * function. A resource whose overall row another transaction holds is skipped, and its attempt is reported again later,
 * so that one slow transaction does not delay the others.
 */

type Written = Settled | 'contended';

export async function finishAttempts(
  executor: Executor,
  tables: StatusTables,
  enforcementPoint: string,
  attempts: readonly BegunAttempt[],
): Promise<Written[]> {
  const { finish } = await executor.run(SERVICE_SCOPE, { finish: finishCall(tables, enforcementPoint, attempts) });
  const results = new Array<Written>(attempts.length).fill('lost');
  for (const [ordinal, state] of finish.rows) results[Number(ordinal) - 1] = state as Written;
  return results;
}

/** Whether the attempt has a row at the point and has called a handler. */
export const hasMark = ({ isTracked, action }: BegunAttempt): boolean =>
  isTracked && (action === 'realize' || action === 'unrealize');

function finishCall(tables: StatusTables, enforcementPoint: string, attempts: readonly BegunAttempt[]): Statement {
  const jobs = attempts.map(({ job }) => job);
  const identities = identityArrays(
    tables.overall,
    jobs.map(({ identity }) => identity),
  );
  return {
    name: 'finish-attempts',
    text: finishSql(tables),
    values: [
      ...identities,
      arrayLiteral(attempts.map(({ revision }) => String(revision))),
      arrayLiteral(attempts.map(({ action }) => String(action === 'unrealize'))),
      arrayLiteral(attempts.map((attempt) => String(hasMark(attempt)))),
      enforcementPoint,
      jobs[0]?.queue ?? '',
      arrayLiteral(jobs.map(({ id }) => id)),
      arrayLiteral(jobs.map(({ retryCount }) => String(retryCount))),
    ],
  };
}

const finishSql = perStatusTables((tables) => {
  const finish = finishFunction(tables);
  return `select ordinal, state from ${finish.name}(${finish.parameters}) as finished (ordinal bigint, state text)`;
});
