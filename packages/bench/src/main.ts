import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDevDatabase } from '@intendant/devdb';
import { Bench, FULL, QUICK } from './bench.ts';
import { type CommandLine, readCommandLine, usage } from './command-line.ts';
import { BenchDatabase } from './database/bench-database.ts';
import { describeEnvironment, type Environment } from './environment.ts';
import { installHeavyPeers } from './peers/heavy-peers.ts';
import { hotSpots } from './profile.ts';
import { resultTable } from './report/figures.ts';
import { writeReport } from './report/report.ts';
import type { Results } from './result.ts';

const RESULTS_FOLDER = fileURLToPath(new URL('../results', import.meta.url));
/** What a shell reports for a program that Ctrl-C ended. */
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
    settings: { max_connections: 400 },
    ...(commandLine.url !== undefined && { url: commandLine.url }),
  });
  await using database = await BenchDatabase.create(server.url);
  const profileFolder = commandLine.isProfiled ? await newProfileFolder() : undefined;
  const environment = await describeEnvironment(database, commandLine.isQuick);
  const results = await interruptible(() => runScenarios(commandLine, database, profileFolder));
  if (profileFolder !== undefined) console.log(await hotSpots(profileFolder));
  return { environment, results };
}

async function runScenarios(
  { scenarios, isQuick }: CommandLine,
  database: BenchDatabase,
  profileFolder: string | undefined,
): Promise<Results> {
  if (scenarios.some(({ needsHeavyPeers }) => needsHeavyPeers)) await installHeavyPeers();
  await using bench = new Bench(database, isQuick ? QUICK : FULL, profileFolder);
  const results: Results = {};
  for (const scenario of scenarios) {
    const startedAt = performance.now();
    const found = await scenario.run(bench);
    Object.assign(results, found);
    console.log(
      `\n${scenario.name} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s): ${scenario.question}\n`,
    );
    console.log(resultTable(found));
  }
  return results;
}

/** Ctrl-C gives up what is measured; leaving the scopes then ends processes, database and server. */
async function interruptible<T>(run: () => Promise<T>): Promise<T> {
  const interrupted = Promise.withResolvers<never>();
  const interrupt = () => {
    process.exitCode = INTERRUPTED;
    interrupted.reject(new Error('Interrupted'));
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
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
