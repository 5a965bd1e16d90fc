import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { newTestFolder } from '@intendant/devdb/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { endOf, startCli } from './process.ts';

const WORKER = fileURLToPath(new URL('example-worker.ts', import.meta.url));

/** The commands that run until they are stopped, each in a process of its own. `environment` names a database with changes. */
export function processCases(environment: () => Readonly<Record<string, string>>): void {
  describe('as a process', () => {
    const start = (...args: string[]) => startCli(args, environment());

    test('runs a worker until SIGTERM, and then ends with 0', async () => {
      const worker = start('worker', WORKER);
      const ended = endOf(worker);
      const lines = createInterface({ input: worker.stdout });
      for await (const line of lines) if (line.includes('workers are running')) break;
      worker.kill('SIGTERM');
      expect(await ended).toMatchObject({ exitCode: 0, stderr: '' });
    });

    test('starts a watched worker again when its module changes, and stops it on SIGTERM', async () => {
      const folder = await newTestFolder('watch');
      onTestFinished(() => rm(folder, { recursive: true }));
      const file = join(folder, 'worker.mjs');
      const source = `export { default } from ${JSON.stringify(pathToFileURL(WORKER).href)};\n`;
      await writeFile(file, source);
      const worker = start('worker', file, '--watch');
      const ended = once(worker, 'exit');
      let starts = 0;
      for await (const line of createInterface({ input: worker.stdout })) {
        if (!line.includes('workers are running')) continue;
        starts += 1;
        if (starts === 2) break;
        await writeFile(file, `${source}// changed\n`);
      }
      worker.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      expect(starts).toBe(2);
    });

    test('serves metrics and health of a worker', async () => {
      const worker = start('worker', WORKER, '--metrics-port', '0');
      const ended = endOf(worker);
      let origin: string | undefined;
      const lines = createInterface({ input: worker.stdout });
      for await (const line of lines) {
        origin ??= /"origin":"([^"]+)"/.exec(line)?.[1];
        if (origin !== undefined) break;
      }
      expect(await (await fetch(`${origin}/healthz`)).text()).toBe('ok\n');
      expect(await (await fetch(`${origin}/metrics`)).text()).toContain('intendant_');
      worker.kill('SIGTERM');
      expect(await ended).toMatchObject({ exitCode: 0 });
    });

    test('ends with 0 and without a message when the reader closes the pipe', async () => {
      const child = start('changes', 'vm', '--from', 'beginning');
      child.stdout.destroy();
      const exited = once(child, 'exit');
      expect(await text(child.stderr)).toBe('');
      expect(await exited).toEqual([0, null]);
    });

    test('ends with 130 on Ctrl-C, after a whole line', async () => {
      const child = start('changes', 'vm', '--json', '--from', 'beginning');
      const ended = endOf(child);
      await once(child.stdout, 'data');
      child.kill('SIGINT');
      const { exitCode, stdout, stderr } = await ended;
      expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: '' });
      expect(stdout).toMatch(/}\n$/);
    });
  });
}
