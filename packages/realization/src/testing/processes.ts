import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Fixture } from './fixture.ts';

export const journalFile = (): string => join(mkdtempSync(join(tmpdir(), 'intendant-journal-')), 'journal');

/** Starts a script of this folder, which prints `ready`. It ends when this process ends. */
export async function startProcess(
  script: string,
  fixture: Fixture,
  environment: Record<string, string>,
): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), {
    env: { ...process.env, DATABASE: fixture.url, ADMIN_DATABASE: fixture.adminUrl, ...environment },
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => [`ended with ${code}`]),
  ]);
  if (message !== 'ready') throw new Error(`${script} ${message}`);
  return child;
}

export async function killed(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

export interface JournalLine {
  readonly step: 'start' | 'end';
  readonly point: string;
  readonly identity: string;
  readonly revision: number;
  readonly pid: number;
  readonly at: number;
}

/** A line cut short by a kill is left out. */
export function readJournal(file: string): JournalLine[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as JournalLine);
}

/**
 * Attempts that began for a resource at a point before the one before it had ended. An attempt of a process that was
 * killed ended with it.
 */
export function overlaps(journal: readonly JournalLine[], deaths: ReadonlyMap<number, number>): JournalLine[] {
  const running = new Map<string, JournalLine>();
  return journal.filter((line) => {
    const place = `${line.point} ${line.identity}`;
    const before = running.get(place);
    if (line.step === 'end') {
      if (before?.pid === line.pid) running.delete(place);
      return false;
    }
    running.set(place, line);
    return before !== undefined && !((deaths.get(before.pid) ?? Number.POSITIVE_INFINITY) <= line.at);
  });
}
