import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DataStore } from '@intendant/core';
import type { Realization, Worker } from '@intendant/realization';
import type { Subscriptions } from '@intendant/subscription';
import { Command } from 'commander';
import { type Logger, pino } from 'pino';
import type { Workspace } from '../database/workspace.ts';
import { type HealthAddress, serveWorkerHealth } from '../http/worker-health.ts';
import { readPort } from '../resource/duration.ts';
import type { Cli } from '../run/cli.ts';
import { CommandError, wrongUse } from '../run/command-error.ts';
import { untilInterrupted } from '../run/until-interrupted.ts';

/** What a worker module may use. It is opened with the settings of the command line, and closed when the command ends. */
export interface WorkerSetting {
  /** The data store of `--url`. It runs no DDL: tables must exist. */
  readonly store: DataStore;
  /** The change feed of the store. */
  readonly subscriptions: Subscriptions;
  /** Makes workers: `realization.worker({ … })`. */
  readonly realization: Realization;
  /** The logger of the command. */
  readonly logger: Logger;
}

type Workers = Worker | readonly Worker[];

/**
 * What `intendant worker FILE` runs: a module whose default export is a worker, several, or a function that makes them.
 *
 * ```ts
 * import { on } from '@intendant/realization';
 *
 * const worker = realization.worker({ enforcementPoint: 'E1', handlers: [on(vm, { realize: async () => {} })] });
 * ```
 */
export interface WorkerModule {
  /** The workers to run, or a function that makes them from the opened store. */
  readonly default: Workers | ((setting: WorkerSetting) => Workers | Promise<Workers>);
  /** Called after the workers have stopped, to close what the module opened itself. */
  readonly close?: () => unknown;
}

interface WorkerFlags {
  readonly watch?: boolean;
  readonly metricsPort?: number;
  readonly metricsHost: string;
}

const EXAMPLES = `
Its default export is a worker, several, or a function ({ store, subscriptions, realization, logger }) that makes them.
On SIGTERM or Ctrl-C the workers take no more jobs and finish what they have; a second one ends the process at once.

Examples:
  intendant worker src/worker.ts
  intendant worker src/worker.ts --watch            start again when a file that it imports changes
  intendant worker src/worker.ts --metrics-port 9464`;

export const workerCommand = (cli: Cli): Command =>
  new Command('worker')
    .description('run the workers that a module exports')
    .argument('<file>')
    .option('--watch', 'restart when the module or one of its imports changes')
    .option('--metrics-port <port>', 'serve /metrics and /healthz on this port', readPort)
    .option('--metrics-host <host>', 'the address for --metrics-port', '127.0.0.1')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, flags: WorkerFlags, command: Command) => {
      cli.stopsOnSignal = true;
      const path = resolve(cli.io.folder, file);
      if (!existsSync(path)) throw wrongUse(`there is no file ${path}`);
      if (flags.watch === true) return watch(cli);
      await using workspace = await cli.workspace(command);
      const { metricsPort: port, metricsHost: host } = flags;
      await runWorkers(cli, workspace, path, port === undefined ? undefined : { host, port });
    });

async function runWorkers(
  cli: Cli,
  workspace: Workspace,
  path: string,
  health: HealthAddress | undefined,
): Promise<void> {
  const { signal } = cli.io;
  const module = await loadModule(path);
  const workers = await makeWorkers(module, workspace);
  const logger = pino({ name: 'intendant' });
  try {
    await Promise.all(workers.map((worker) => worker.start()));
    await using server = health && (await serveWorkerHealth(workspace, health));
    if (server) logger.info({ origin: server.origin }, 'metrics are served');
    logger.info({ workers: workers.length }, 'workers are running');
    await untilInterrupted(signal);
    logger.info('workers are stopping');
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
    await module.close?.();
  }
}

async function loadModule(path: string): Promise<WorkerModule> {
  const module = (await import(pathToFileURL(path).href).catch((error: Error) => {
    throw new CommandError(`${path} cannot be loaded: ${error.message}`, 1, { cause: error });
  })) as Partial<WorkerModule>;
  if (module.default === undefined)
    throw wrongUse(`${path} has no default export; export a worker, or a function that makes one`);
  return module as WorkerModule;
}

async function makeWorkers(module: WorkerModule, workspace: Workspace): Promise<readonly Worker[]> {
  const made = typeof module.default === 'function' ? await module.default(await settingOf(workspace)) : module.default;
  const workers = [made].flat() as readonly Worker[];
  if (workers.length > 0 && workers.every((worker) => typeof worker?.start === 'function')) return workers;
  throw wrongUse('the module exports no worker; make one with realization.worker({ enforcementPoint, handlers })');
}

async function settingOf(workspace: Workspace): Promise<WorkerSetting> {
  const subscriptions = await workspace.subscriptions();
  const realization = await workspace.realization();
  return { store: await workspace.store(), subscriptions, realization, logger: pino({ name: 'intendant' }) };
}

/** Uses Node's watch mode, which knows the imports of the module and stops the old process before it starts the new one. */
async function watch({ io }: Cli): Promise<void> {
  const [main = '', ...given] = process.argv.slice(1);
  const args = given.filter((arg) => arg !== '--watch');
  const child = spawn(process.execPath, [...process.execArgv, '--watch', '--watch-preserve-output', main, ...args], {
    cwd: io.folder,
    stdio: 'inherit',
  });
  const ended = once(child, 'exit');
  io.signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  await ended;
}
