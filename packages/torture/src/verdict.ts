import type { CheckResult } from './checker/check-history.ts';

/** The result of one scenario. */
export interface Verdict {
  readonly scenario: string;
  readonly seconds: number;
  /** Undefined if it was not run, or ended with an error. */
  readonly checkResult: CheckResult | undefined;
  /** Why there is no result. */
  readonly skipped?: string;
  readonly failure?: string;
  readonly history: string;
}

/** Whether the run counts as failed. */
export const isBad = ({ checkResult, failure }: Verdict): boolean =>
  failure !== undefined || (checkResult !== undefined && checkResult.violations.length > 0);

/** One page: what was done, which faults were injected, what was found. */
export function verdictPage(seed: number, verdicts: readonly Verdict[]): string {
  const bad = verdicts.filter(isBad).length;
  const headline = bad === 0 ? 'No rule was violated.' : `${bad} of ${verdicts.length} scenarios violated rules.`;
  return [`\nTorture, seed ${seed}: ${headline}`, ...verdicts.map(section)].join('\n');
}

function section(verdict: Verdict): string {
  const { scenario, seconds, checkResult, skipped, failure } = verdict;
  const lines = [`\n${scenario} (${seconds.toFixed(0)} s)`];
  if (skipped !== undefined) lines.push(`  skipped: ${skipped}`);
  if (failure !== undefined) lines.push(`  FAILED: ${failure}`);
  if (checkResult) lines.push(...resultLines(checkResult));
  if (isBad(verdict)) lines.push(`  history: ${verdict.history}`);
  return lines.join('\n');
}

function resultLines({ figures, rules, violations }: CheckResult): string[] {
  const { operations, attempts, deliveries, snapshots, answers, faults, skipped, slowestRecovery } = figures;
  const injected = Object.values(faults).reduce((sum, count) => sum + count, 0);
  const recovery = slowestRecovery
    ? `; recovery: median ${figures.medianRecoveryMs} ms, slowest ${slowestRecovery.ms} ms (${slowestRecovery.fault})`
    : '';
  return [
    `  operations: ${listed(operations)}; attempts: ${attempts}; deliveries: ${deliveries}; snapshots: ${snapshots}; answers: ${answers}`,
    `  faults: ${injected}${recovery}`,
    ...Object.entries(faults).map(([fault, count]) => `    ${String(count).padStart(3)}  ${fault}`),
    ...Object.entries(skipped).map(([fault, reason]) => `      -  ${fault}: skipped, ${reason}`),
    ...figures.others.map(({ name, value, unit }) => `  ${name}: ${value} ${unit}`),
    ...Object.entries(rules).map(
      ([rule, count]) => `  ${count === 0 ? '✓' : '✗'} ${rule}${count === 0 ? '' : `: ${count}`}`,
    ),
    ...violations.map(({ rule, text }) => `    ✗ ${rule}\n        ${text}`),
  ];
}

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ') || '0';
