import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Inventory } from './inventory.ts';

/**
 * Prisma is in a folder of its own with its own lockfile, outside the workspace, because it would add 200 MB to every
 * install. Its typed client is generated there too.
 */

const FOLDER = fileURLToPath(new URL('../prisma', import.meta.url));

export const isPrismaInstalled = (): boolean => existsSync(join(FOLDER, 'generated', 'client.ts'));

/** Installs what the folder's lockfile says and generates the client, unless that was done before. Throws without a registry. */
export async function installPrisma(): Promise<void> {
  if (isPrismaInstalled()) return;
  await npm('ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error');
  await run(process.execPath, ['node_modules/prisma/build/index.js', 'generate', '--schema', 'schema.prisma']);
}

/** Call `installPrisma` first. */
export async function loadPrismaInventory(): Promise<Inventory> {
  const module = (await import(pathToFileURL(join(FOLDER, 'with-prisma.ts')).href)) as {
    readonly prismaInventory: Inventory;
  };
  return module.prismaInventory;
}

/** The npm beside this Node, or the system's. */
function npm(...command: string[]): Promise<void> {
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  return existsSync(beside) ? run(process.execPath, [beside, ...command]) : run('npm', command);
}

async function run(program: string, command: readonly string[]): Promise<void> {
  const child = spawn(program, command, {
    cwd: FOLDER,
    stdio: ['ignore', 'ignore', 'pipe'],
    // Generating needs no engine. If any program is named as the engine, Prisma does not download one.
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
  });
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command.join(' ')} failed:\n${errors.join('')}`);
}
