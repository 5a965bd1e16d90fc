import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDevDatabase } from '@intendant/devdb';
import { Bench, FULL, QUICK } from './bench.ts';
import { type CommandLine, readCommandLine, usage } from './command-line.ts';
import { BenchDatabase } from './database/bench-database.ts';
import { describeEnvironment, type Environment } from './environment.ts';
import { installHeavyPeers } from './peers/heavy-peers.ts';
import { hotAllocations } from './profile/hot-allocations.ts';
import { hotFunctions } from './profile/hot-functions.ts';
import { hotStatements, STATEMENT_COUNTING } from './profile/hot-statements.ts';
import { resultTable } from './report/figures.ts';
import { writeReport } from './report/report.ts';
import { targetTable } from './report/targets.ts';
import type { Results } from './result.ts';
import type { Scenario } from './scenario.ts';

const RESULTS_FOLDER = fileURLToPath(new URL('../results', import.meta.url));
/** The exit code that a shell reports for a program that was ended by Ctrl-C. */
const INTERRUPTED = 130;

async function main(): Promise<void> {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine === 'help') {
    console.log(usage());
    return;
  }
  const { environment, results } = await runAll(commandLine);
  if (commandLine.json !== undefined)
    await writeFile(commandLine.json, `${JSON.stringify({ environment, results }, undefined, 2)}\n`);
  if (commandLine.writesReport) await writeReport(environment, results, commandLine.scenarios);
}

async function runAll(commandLine: CommandLine): Promise<{ environment: Environment; results: Results }> {
  await using server = await startDevDatabase({
    fsync: true,
    // The server writes the log that replication needs for all contestants, so that all are measured on one server.
    settings: { max_connections: 400, wal_level: 'logical', ...(commandLine.isProfiled && STATEMENT_COUNTING) },
    ...(commandLine.url !== undefined && { url: commandLine.url }),
  });
  await using database = await BenchDatabase.create(server.url);
  const profileFolder = commandLine.isProfiled ? await newProfileFolder() : undefined;
  const environment = await describeEnvironment(database, commandLine.isQuick);
  const results = await interruptible(() => runScenarios(commandLine, database, profileFolder));
  if (Object.keys(results).length === 0)
    throw new Error('Nothing was measured: everything failed, or no result has such a name');
  console.log(`\n${targetTable(results)}`);
  if (profileFolder !== undefined) await printProfiles(profileFolder, database);
  return { environment, results };
}

async function runScenarios(
  { scenarios, isQuick, isWanted }: CommandLine,
  database: BenchDatabase,
  profileFolder: string | undefined,
): Promise<Results> {
  const begunAt = performance.now();
  const clock = () => `${((performance.now() - begunAt) / 1_000).toFixed(0).padStart(4)} s`;
  const hasHeavyPeers = scenarios.some(({ needsHeavyPeers }) => needsHeavyPeers) && (await installHeavyPeers());
  await using bench = new Bench(database, {
    effort: isQuick ? QUICK : FULL,
    isWanted,
    hasHeavyPeers,
    profileFolder,
    onProgress: (contest) => console.error(`${clock()}  ${contest} …`),
  });
  const results: Results = {};
  for (const scenario of scenarios) {
    if (isInterrupted()) break;
    console.error(`${clock()}  ${scenario.name}`);
    try {
      const found = Object.fromEntries(Object.entries(await scenario.run(bench)).filter(([name]) => isWanted(name)));
      Object.assign(results, found);
      console.log(`\n${scenario.name}: ${scenario.question}\n\n${resultTable(found)}\n`);
    } catch (error) {
      if (!isInterrupted()) reportFailure(scenario, error);
    }
    await bench.endBackgroundContestants();
  }
  return results;
}

/** Runs all scenarios, also after one has failed. The exit code reports a failure. */
function reportFailure({ name }: Scenario, error: unknown): void {
  process.exitCode = 1;
  console.error(`${name} failed: ${error instanceof Error ? error.message : error}`);
}

const isInterrupted = (): boolean => process.exitCode === INTERRUPTED;

async function printProfiles(folder: string, database: BenchDatabase): Promise<void> {
  console.log(`\nProfiles: ${folder}\n\n${await hotFunctions(folder)}\n\n${await hotAllocations(folder)}`);
  const statements = await hotStatements(database);
  if (statements !== undefined) console.log(`\n${statements}`);
}

/** Ctrl-C stops the measurement; leaving the scopes then ends processes, database and server. */
async function interruptible<T>(run: () => Promise<T>): Promise<T> {
  const interrupted = Promise.withResolvers<never>();
  const interrupt = () => {
    process.exitCode = INTERRUPTED;
    interrupted.reject(new Error('Interrupted'));
  };
  // It may arrive twice, directly and through npm. The second one must not interrupt the cleanup.
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const running = run();
  running.catch(() => {});
  return Promise.race([running, interrupted.promise]);
}

async function newProfileFolder(): Promise<string> {
  const folder = join(RESULTS_FOLDER, `profile-${new Date().toISOString().replaceAll(':', '-')}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(process.exitCode ?? 1);
  },
);
