import { expect, test } from 'vitest';
import { readCommandLine } from './command-line.ts';

test('a scenario that does not exist is refused with the names of those that do', () => {
  expect(() => readCommandLine(['--only', 'scoped-raed'])).toThrow(
    /no scenario scoped-raed\. There are: scoped-read, /,
  );
});

test('only a full run of everything writes the report by itself', () => {
  expect(readCommandLine([])).toMatchObject({ writesReport: true });
  expect(readCommandLine(['--quick'])).toMatchObject({ writesReport: false });
  expect(readCommandLine(['--only', 'install'])).toMatchObject({ writesReport: false });
  expect(readCommandLine(['--quick', '--report'])).toMatchObject({ writesReport: true });
});
