import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { THIS_RELEASE } from '../world/this-release.ts';

const PROGRAM = join(THIS_RELEASE, 'packages/cli/src/main.ts');
const LIMIT_MS = 20_000;

/** The output of the program. Exit codes above 0 are outcomes too, e.g. when nothing matches. */
export interface CliOutput {
  readonly exitCode: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export type RunCli = (args: readonly string[]) => Promise<CliOutput>;

/** Runs `intendant` in a process of its own, against this database. */
export const cliOf =
  (url: string, adminUrl: string): RunCli =>
  (args) =>
    new Promise((resolve) => {
      const env = { PATH: process.env['PATH'], DATABASE_URL: url, ADMIN_DATABASE_URL: adminUrl };
      const command = ['--disable-warning=ExperimentalWarning', PROGRAM, ...args];
      execFile(process.execPath, command, { env, cwd: '/', timeout: LIMIT_MS }, (error, stdout, stderr) =>
        resolve({ exitCode: error?.code ?? (error ? 'killed' : 0), stdout, stderr }),
      );
    });
