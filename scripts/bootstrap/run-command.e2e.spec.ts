import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@intendant/devdb/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'intendant-command-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The bootstrap's last step with a program of ours, which says its process id when it is set up. */
async function run(name: string, program: string): Promise<{ bootstrap: ChildProcess; pid: number }> {
  const file = join(folder, `${name}.mjs`);
  await writeFile(file, `${program} console.log(process.pid);`);
  const module = new URL('./run-command.mjs', import.meta.url).href;
  const step = `const { runCommand } = await import('${module}'); process.exitCode = await runCommand(process.execPath, ['${file}']);`;
  const bootstrap = spawn(process.execPath, ['--input-type=module', '-e', step], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(bootstrap.stdout, 'data')) as [Buffer];
  return { bootstrap, pid: Number(line.toString()) };
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const STAYS = 'setInterval(() => {}, 1000);';

test("a command's exit code is the bootstrap's", async () => {
  const { bootstrap } = await run('ends', 'process.exitCode = 7;');
  expect(await once(bootstrap, 'exit')).toEqual([7, null]);
});

test.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s reaches the command, and what it makes of it counts',
  async (signal) => {
    const { bootstrap, pid } = await run(signal, `process.on('${signal}', () => process.exit(9)); ${STAYS}`);
    bootstrap.kill(signal);
    expect(await once(bootstrap, 'exit')).toEqual([9, null]);
    expect(isRunning(pid)).toBe(false);
  },
);

test('a bootstrap that is killed takes its command along, however deaf that is', async () => {
  const { bootstrap, pid } = await run('deaf', `process.on('SIGTERM', () => {}); ${STAYS}`);
  bootstrap.kill('SIGKILL');
  await once(bootstrap, 'exit');
  await eventually(() => expect(isRunning(pid)).toBe(false), { timeoutMs: 10_000 });
});
