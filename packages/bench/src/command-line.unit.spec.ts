import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCommandLine } from './command-line.ts';

const read = (...args: string[]) => {
  const commandLine = readCommandLine(args);
  if (commandLine === 'help') throw new Error('help was not asked for');
  return commandLine;
};

test('a scenario that does not exist is refused with the names of those that do', () => {
  expect(() => read('--only', 'scoped-raed')).toThrow(/no scenario scoped-raed\. There are: scoped-read, /);
  expect(() => read('--only', 'scoped-readvs-raw')).toThrow(/no scenario/);
});

test('single results of a scenario can be requested by name', () => {
  const { scenarios, isWanted } = read('--only', 'scoped-read.vs-raw,install');
  expect(scenarios.map(({ name }) => name)).toEqual(['scoped-read', 'install']);
  expect(isWanted('scoped-read.vs-raw')).toBe(true);
  expect(isWanted('scoped-read.vs-pattern')).toBe(false);
  expect(isWanted('install.packages.vs-prisma')).toBe(true);
});

test('only a run with --report writes the committed pages', () => {
  expect(read()).toMatchObject({ writesReport: false });
  expect(read('--quick')).toMatchObject({ writesReport: false });
  expect(read('--only', 'install')).toMatchObject({ writesReport: false });
  expect(read('--quick', '--report')).toMatchObject({ writesReport: true });
});

test('a file that cannot be written is refused before anything is measured', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  expect(() => read('--json', join(folder, 'missing', 'out.json'))).toThrow(/no folder .*missing/);
  expect(() => read('--json', folder)).toThrow(/not a file/);
  writeFileSync(join(folder, 'out.json'), '{}');
  expect(read('--json', join(folder, 'out.json')).json).toBe(join(folder, 'out.json'));
});

test('a value that is not the URL of a database is refused without showing it', () => {
  expect(() => read('--url', 'admin:secret@host')).toThrow(/^(?!.*secret).*--url: give a URL/);
});

test('an option that does not exist is refused', () => {
  expect(() => read('--quikc')).toThrow(/--quikc/);
});
