import { arrayLiteral, type Executor } from '@intendant/core/internal';
import type { Logger } from 'pino';
import { identityArrays, identitySql } from '../resource/identity-set.ts';
import { resourcesOf } from '../resource/resource-rows.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { AttemptAborted } from './attempt.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import type { Claims } from './claims.ts';

/** Aborts attempts whose resource has a newer revision. */
export class NewerRevisions {
  readonly #executor: Executor;
  readonly #tables: StatusTables;
  readonly #claims: Claims;
  readonly #logger: Logger;
  #isChecking = false;
  #isRequestedAgain = false;

  constructor(executor: Executor, tables: StatusTables, claims: Claims, logger: Logger) {
    this.#executor = executor;
    this.#tables = tables;
    this.#claims = claims;
    this.#logger = logger;
  }

  /** Changes during a check are examined after it. */
  check(): void {
    this.#isRequestedAgain = true;
    if (!this.#isChecking) void this.#checkWhileRequested();
  }

  async #checkWhileRequested(): Promise<void> {
    this.#isChecking = true;
    while (this.#isRequestedAgain) {
      this.#isRequestedAgain = false;
      await this.#abortOutdated().catch((error: unknown) =>
        this.#logger.warn({ err: error }, 'the check for newer revisions failed'),
      );
    }
    this.#isChecking = false;
  }

  async #abortOutdated(): Promise<void> {
    const attempts = this.#claims
      .all()
      .flatMap(({ attempt, lane, hasEnded }) => (attempt && lane.tables === this.#tables && !hasEnded ? attempt : []));
    if (attempts.length === 0) return;
    for (const { job } of await findOutdated(this.#executor, this.#tables, attempts))
      this.#claims.of(job)?.controller.abort(new AttemptAborted('newer-revision', 'a newer revision arrived'));
  }
}

/** The attempts whose resource has changed or was removed since they began. */
async function findOutdated(
  executor: Executor,
  tables: StatusTables,
  attempts: readonly BegunAttempt[],
): Promise<BegunAttempt[]> {
  const identities = identityArrays(
    tables.overall,
    attempts.map(({ job }) => job.identity),
  );
  const revisions = arrayLiteral(attempts.map(({ record, revision }) => (record === null ? null : String(revision))));
  const { found } = await executor.run(SERVICE_SCOPE, {
    found: { name: 'find-outdated', text: findSql(tables), values: [...identities, revisions] },
  });
  return found.rows.map(([ordinal]) => attempts[Number(ordinal) - 1] as BegunAttempt);
}

const findSql = perStatusTables((tables) => {
  const { arrays, columns, parameterCount } = identitySql(tables.overall);
  const begun = `unnest(${arrays}, $${parameterCount + 1}::bigint[]) with ordinality as i (${columns}, intendant_begun, intendant_ordinal)`;
  return `
    select i.intendant_ordinal
    from ${begun}
    left join ${resourcesOf(tables, 'i', begun)}
    where r.revision is distinct from i.intendant_begun`;
});
