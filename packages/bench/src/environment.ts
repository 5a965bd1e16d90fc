import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import type { BenchDatabase } from './database/bench-database.ts';

/** Where and when figures were measured. */
export interface Environment {
  readonly measuredAt: string;
  readonly commit: string;
  readonly node: string;
  readonly postgres: string;
  readonly fsync: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly isQuick: boolean;
}

export async function describeEnvironment(database: BenchDatabase, isQuick: boolean): Promise<Environment> {
  const server = await database.admin(
    async (client) =>
      (
        await client.query<{ postgres: string; fsync: string }>(
          `select current_setting('server_version') as postgres, current_setting('fsync') as fsync`,
        )
      ).rows[0],
  );
  return {
    measuredAt: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    postgres: server?.postgres ?? 'unknown',
    fsync: server?.fsync ?? 'unknown',
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    isQuick,
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}
