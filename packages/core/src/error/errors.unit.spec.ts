import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as core from '../index.ts';
import { isNodeLost, translateError } from '../internal.ts';
import { TRANSLATED_SQLSTATES } from './sqlstate.ts';

const page = readFileSync(new URL('../../../../docs/reference/errors.md', import.meta.url), 'utf8');

/** The cells of the table whose head begins with this word, without the marks of code. */
function tableRows(head: string): string[][] {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`));
  const rows = lines.slice(start + 2);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) =>
      line
        .slice(2, -2)
        .split(' | ')
        .map((cell) => cell.replace(/^`(.*)`$/, '$1')),
    );
}

const thrownByPostgres = (code: string) =>
  Object.assign(new Error('value "secret" is bad'), {
    code,
    severity: 'ERROR',
    detail: 'Key (id)=(secret)',
    where: 'secret',
  });

test('the errors page shows exactly the table of errors', () => {
  const catalogue = Object.entries(core.ERROR_CATALOGUE).map(([name, { code, httpStatus, when, cure }]) => [
    name,
    code,
    String(httpStatus),
    when,
    cure,
  ]);
  expect(tableRows('class')).toEqual(catalogue);
});

test('every error of the table is a class that is exported, with its code', () => {
  const exported = core as unknown as Record<string, new (message: string) => core.IntendantError>;
  for (const [name, { code }] of Object.entries(core.ERROR_CATALOGUE)) {
    const Class = exported[name] as (typeof exported)[string];
    const error = new Class('what happened');
    expect(error).toBeInstanceOf(core.IntendantError);
    expect({ name: error.name, code: error.code, class: Class.name }).toEqual({ name, code, class: name });
  }
  const classes = Object.keys(core).filter((name) => name.endsWith('Error') && name !== 'IntendantError');
  expect(classes.toSorted()).toEqual(Object.keys(core.ERROR_CATALOGUE).toSorted());
});

test('codes are unique', () => {
  const codes = Object.values(core.ERROR_CATALOGUE).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
});

describe('what Postgres refuses', () => {
  const rows = tableRows('SQLSTATE');

  test('is on the page, all of it', () => {
    expect(rows.map(([state]) => state).toSorted()).toEqual([...TRANSLATED_SQLSTATES].toSorted());
  });

  test.each(rows)('%s is translated to %s, without the values that Postgres repeats', (state, name) => {
    const code = state.length === 2 ? `${state}999` : state;
    const error = translateError(thrownByPostgres(code), {
      operation: 'insert',
      table: 'vm',
      key: { id: 'VM1' },
    }) as core.IntendantError;
    expect(error.name).toBe(name);
    expect(error.message).toMatch(/^insert vm \{"id":"VM1"\}: /);
    expect(error.details).toMatchObject({ sqlState: code, table: 'vm' });
    expect(`${error.message}${JSON.stringify(error.details)}${JSON.stringify(error.cause)}`).not.toContain('secret');
    expect(error.retryable).toBe(['ConnectionError', 'TransactionConflictError'].includes(name as string));
  });

  test('and has no name here, is a DatabaseError', () => {
    expect(translateError(thrownByPostgres('42601'), { operation: 'query' })).toMatchObject({ code: 'DATABASE' });
  });

  test.each([
    { code: '08006', routine: 'ReportConnectionError', message: 'connection to the remote node n1:5432 failed' },
    { code: 'XX000', routine: 'ReportResultError', message: 'SSL SYSCALL error: EOF detected\ninvalid socket' },
    { code: 'XX000', routine: 'ReportResultError', message: 'server closed the connection unexpectedly' },
  ])('a lost node of Citus is recognized, also after the translation: $message', (facts) => {
    const error = translateError(Object.assign(new Error(facts.message), { severity: 'ERROR', ...facts }), {
      operation: 'insert',
    });
    expect(error).toMatchObject({ code: 'CONNECTION', retryable: true });
    expect((error as Error).message).toContain('a node of the database cannot be reached');
    expect(isNodeLost(error)).toBe(true);
  });

  test('an error of a node of Citus that it reports itself is not a lost node', () => {
    const facts = { code: 'XX000', routine: 'ReportResultError', severity: 'ERROR' };
    const error = translateError(Object.assign(new Error('cache lookup failed for type 1'), facts), { operation: 'x' });
    expect(error).toMatchObject({ code: 'DATABASE' });
    expect(isNodeLost(error)).toBe(false);
  });

  test('an error that is neither from Postgres nor ours is returned unchanged', () => {
    const own = new TypeError('own');
    expect(translateError(own, { operation: 'x' })).toBe(own);
    expect(translateError('text', { operation: 'x' })).toBe('text');
  });

  test.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT'])('%s is a lost connection', (code) => {
    const failure = Object.assign(new Error('socket'), { code });
    for (const error of [failure, new AggregateError([failure])])
      expect(translateError(error, { operation: 'x' })).toMatchObject({ code: 'CONNECTION', retryable: true });
  });
});
