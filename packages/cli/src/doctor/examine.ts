import type { Workspace } from '../database/workspace.ts';
import { explainError } from '../run/explain-error.ts';
import { checkPooler } from './connection-checks.ts';
import type { Check, Examination } from './examination.ts';
import { checkRelay, checkSubscriptions, checkTriggers } from './feed-checks.ts';
import type { Finding } from './finding.ts';
import { checkNodes } from './node-checks.ts';
import { checkFailedJobs, checkJobs, checkPoints } from './realization-checks.ts';
import { checkConnections, checkSettings, checkStatistics, checkTransactions, checkVersions } from './server-checks.ts';
import { checkSlots } from './slot-checks.ts';
import { checkIsolation, checkSchema } from './store-checks.ts';

const CHECKS: readonly Check[] = [
  checkVersions,
  checkSettings,
  checkConnections,
  checkPooler,
  checkSchema,
  checkIsolation,
  checkTriggers,
  checkRelay, // before the feed is opened for the next ones
  checkSubscriptions,
  checkPoints,
  checkJobs,
  checkFailedJobs,
  checkTransactions,
  checkSlots,
  checkNodes,
  checkStatistics,
];

/** Runs every check, one after the other. A check that cannot run is a finding too. Errors come first. */
export async function examine(
  workspace: Workspace,
  olderThanMs: number,
  onProgress: (done: number, total: number) => void,
): Promise<Finding[]> {
  const examination = await prepare(workspace, olderThanMs);
  const findings: Finding[] = [];
  for (const [index, check] of CHECKS.entries()) {
    onProgress(index, CHECKS.length);
    findings.push(...(await check(examination).catch((error: unknown) => [cannotRun(check, error)])));
  }
  return findings.toSorted((a, b) => a.severity.localeCompare(b.severity));
}

/** Throws ConnectionError: without a connection there is nothing to examine. */
async function prepare(workspace: Workspace, olderThanMs: number): Promise<Examination> {
  return {
    workspace,
    realized: await workspace.realizedTables(),
    olderThanMs,
    has: async (relation) => {
      const [row] = await workspace.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
        relation,
      ]);
      return row?.found === true;
    },
  };
}

const cannotRun = (check: Check, error: unknown): Finding => ({
  check: 'doctor',
  severity: 'warning',
  subject: check.name,
  message: `this check could not run: ${explainError(error).line}`,
  cure: 'Give a login that may read the catalogs with --admin-url.',
});
