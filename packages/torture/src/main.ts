/**
 * npm run torture: runs scenarios against a real Postgres, lets a separate program check their histories, and prints a
 * verdict of one page. Exit code 1 if a rule is violated, 130 after Ctrl-C.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CommandLine, readCommandLine, usage } from './command-line.ts';
import { openHistory } from './history/history-writer.ts';
import { runChecker } from './run-checker.ts';
import type { Scenario } from './scenario/scenario.ts';
import { isBad, type Verdict, verdictPage } from './verdict.ts';

const INTERRUPTED = 130;

async function main(): Promise<number> {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine === 'help') {
    console.log(usage());
    return 0;
  }
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort());
  const folder = commandLine.folder ?? (await mkdtemp(join(tmpdir(), 'intendant-torture-')));
  console.log(`torture: seed ${commandLine.seed}, histories in ${folder}`);
  const verdicts: Verdict[] = [];
  for (const scenario of commandLine.scenarios) {
    if (interruption.signal.aborted) break;
    verdicts.push(await runOne(scenario, commandLine, join(folder, scenario.name), interruption.signal));
  }
  const isFine = !verdicts.some(isBad);
  if ((isFine || interruption.signal.aborted) && commandLine.folder === undefined)
    await rm(folder, { recursive: true, force: true });
  if (interruption.signal.aborted) return INTERRUPTED;
  console.log(verdictPage(commandLine.seed, verdicts));
  return isFine ? 0 : 1;
}

async function runOne(
  scenario: Scenario,
  { minutes, seed, scale, scenarios, broken, recoveryLimitMs, earlierRelease }: CommandLine,
  folder: string,
  signal: AbortSignal,
): Promise<Verdict> {
  const begunAt = performance.now();
  const history = join(folder, 'history.jsonl');
  const verdict = (rest: Partial<Verdict>): Verdict => ({
    scenario: scenario.name,
    seconds: (performance.now() - begunAt) / 1_000,
    checkResult: undefined,
    history,
    ...rest,
  });
  const skipped = scenario.unavailable?.({ earlierRelease });
  if (skipped !== undefined) return verdict({ skipped });
  await mkdir(folder, { recursive: true });
  openHistory(history).close();
  const onProgress = (text: string) => console.log(`${elapsed(begunAt)} ${scenario.name}: ${text}`);
  const durationMs = (minutes * 60_000 * (scenario.weight || 1)) / totalWeight(scenarios);
  try {
    await scenario.run({
      seed,
      durationMs,
      recoveryLimitMs,
      scale,
      folder,
      history,
      broken,
      earlierRelease,
      signal,
      onProgress,
    });
  } catch (error) {
    if (signal.aborted) return verdict({ skipped: 'interrupted' });
    return verdict({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  return verdict({ checkResult: await runChecker(history) });
}

const totalWeight = (scenarios: readonly Scenario[]): number =>
  scenarios.reduce((sum, { weight }) => sum + (weight || 1), 0);

const elapsed = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(0).padStart(4)} s`;

process.exitCode = await main();
process.exit();
