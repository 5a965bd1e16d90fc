import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Prisma and TypeORM are outside the workspace, because they would add 340 MB to each install. */
export const HEAVY_PEERS_FOLDER = fileURLToPath(new URL('../../peers', import.meta.url));

/**
 * Installs what the folder's lockfile says and generates Prisma's client, unless that was done before. Returns whether
 * they are available; without a registry the other peers are measured.
 */
export async function installHeavyPeers(): Promise<boolean> {
  if (existsSync(join(HEAVY_PEERS_FOLDER, 'generated', 'index.js'))) return true;
  console.error('Installing Prisma and TypeORM for comparison (once, about half a minute) ...');
  try {
    await npm('ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error');
    await run(process.execPath, ['node_modules/prisma/build/index.js', 'generate', '--schema', 'schema.prisma']);
    return true;
  } catch (error) {
    console.error(`Prisma and TypeORM are left out: ${(error as Error).message}`);
    return false;
  }
}

/** The npm beside this Node, or the system's. */
function npm(...command: string[]): Promise<void> {
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  return existsSync(beside) ? run(process.execPath, [beside, ...command]) : run('npm', command);
}

async function run(program: string, command: readonly string[]): Promise<void> {
  const child = spawn(program, command, {
    cwd: HEAVY_PEERS_FOLDER,
    stdio: ['ignore', 'ignore', 'pipe'],
    // Generating needs no engine. If any program is named as the engine, Prisma does not download one.
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
  });
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ${command.join(' ')} failed:\n${errors.join('')}`);
}
