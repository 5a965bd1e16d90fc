import { withClient } from '@intendant/devdb/testing';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { rule, vm } from '../testing/fixture.ts';
import { openSuite, soon } from '../testing/suite.ts';
import { gate } from '../testing/waiting.ts';
import { on } from './handler.ts';
import { TerminalError } from './terminal-error.ts';

const lines: { msg: string; table?: string }[] = [];
const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });

const { fixture, r, workers, query, persist, persistMany, untilStatus, detailsOf } = await openSuite({
  tables: [vm, rule],
  logger,
});

async function waitingJobs(): Promise<number> {
  const { rows } = await query("select count(*)::int as jobs from intendant_jobs.job where state <> 'failed'");
  return rows[0].jobs;
}

/** The statuses at E1 so far, oldest first. */
const pastStatuses = async (id: string) =>
  (await r.history(vm, id, { enforcementPoint: 'E1' })).map(({ status }) => status).toReversed();

test('a resource that fails at a point is ERROR, is tried again, and recovers', async () => {
  const attempts: number[] = [];
  await workers.work('E1', {
    realize: async ({ attempt }) => {
      attempts.push(attempt);
      if (attempt < 3) throw new Error('no capacity');
    },
  });
  await persist('recovering');
  await untilStatus('recovering', 'REALIZED');
  expect(attempts).toEqual([1, 2, 3]);
  expect(await detailsOf('recovering')).toMatchObject({ status: 'REALIZED', additionalDetails: '' });
  const failed = ['IN_PROGRESS', 'ERROR'];
  expect(await pastStatuses('recovering')).toEqual(['PENDING', ...failed, ...failed, 'IN_PROGRESS', 'REALIZED']);
});

test('a resource that keeps failing stays ERROR after the last attempt, with what went wrong each time', async () => {
  const attempts: number[] = [];
  await workers.work('E1', {
    realize: async ({ attempt }) => {
      attempts.push(attempt);
      throw new Error('no capacity');
    },
  });
  const record = await persist('VM1');
  await soon(async () =>
    expect((await detailsOf('VM1'))?.additionalDetails).toBe(
      'ERROR no capacity (attempt 3 of 3) at revision 1; ERROR no capacity (attempt 2 of 3) at revision 1; ERROR no capacity (attempt 1 of 3) at revision 1',
    ),
  );
  expect(await r.getOverallStatus(vm, 'VM1')).toBe('ERROR');
  expect(await waitingJobs()).toBe(0);
  expect(attempts).toEqual([1, 2, 3]);
  await r.persistIntent(vm, record);
  await soon(() => expect(attempts).toEqual([1, 2, 3, 1, 2, 3]));
});

test('a terminal error is not retried', async () => {
  const attempts: number[] = [];
  await workers.work('E1', {
    realize: async ({ attempt }) => {
      attempts.push(attempt);
      throw new TerminalError('the image does not exist');
    },
  });
  await persist('VM1');
  await untilStatus('VM1', 'ERROR');
  expect((await detailsOf('VM1'))?.additionalDetails).toBe(
    'ERROR the image does not exist (attempt 1, not to be retried) at revision 1',
  );
  await soon(async () => expect(await waitingJobs()).toBe(0));
  expect(attempts).toEqual([1]);
});

test('a handler that throws a value other than an Error fails its attempt with a readable text', async () => {
  await workers.work('E1', { realize: () => Promise.reject({ status: 503 }) }, { retry: { limit: 1 } });
  await persist('VM1');
  await untilStatus('VM1', 'ERROR');
  expect((await detailsOf('VM1'))?.additionalDetails).toBe('ERROR { status: 503 } (attempt 1 of 1) at revision 1');
});

test('a handler that throws at once instead of rejecting fails its attempt too', async () => {
  await workers.work(
    'E1',
    {
      realize: () => {
        throw new Error('at once');
      },
    },
    { retry: { limit: 1 } },
  );
  await persist('VM1');
  await untilStatus('VM1', 'ERROR');
  expect((await detailsOf('VM1'))?.additionalDetails).toContain('at once');
});

test('a removal that fails is ERROR, and is tried again as a removal', async () => {
  const calls: string[] = [];
  await workers.work('E1', {
    realize: async () => void calls.push('realize'),
    unrealize: async ({ attempt }) => {
      calls.push('unrealize');
      if (attempt === 1) throw new Error('still attached');
    },
  });
  await persist('attached');
  await untilStatus('attached', 'REALIZED');
  await r.softDelete(vm, 'attached');
  await untilStatus('attached', 'DELETION_REALIZED');
  expect(calls).toEqual(['realize', 'unrealize', 'unrealize']);
  expect((await pastStatuses('attached')).slice(-4)).toEqual([
    'DELETION_IN_PROGRESS',
    'ERROR',
    'DELETION_IN_PROGRESS',
    'DELETION_REALIZED',
  ]);
});

test('a handler that takes too long gets an aborted signal, its attempt is ERROR, and it keeps its resource until it returns', async () => {
  const held = gate();
  const reasons: unknown[] = [];
  let runs = 0;
  await workers.work(
    'E1',
    {
      realize: async (_, { signal }) => {
        if (++runs > 1) return;
        signal.addEventListener('abort', () => reasons.push(signal.reason.reason));
        await held.opened;
      },
    },
    { attemptTimeoutMs: 50, abandonAfterMs: 60_000 },
  );
  await persist('VM1');
  await untilStatus('VM1', 'ERROR');
  expect((await detailsOf('VM1'))?.additionalDetails).toContain('the handler took longer than 50 ms');
  expect(reasons).toEqual(['timeout']);
  expect(runs).toBe(1);
  held.open();
  await untilStatus('VM1', 'REALIZED');
});

test('a handler that reacts to its time limit is recorded once', async () => {
  await workers.work(
    'E1',
    { realize: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', reject)) },
    { attemptTimeoutMs: 50, retry: { limit: 1 } },
  );
  await persist('VM1');
  await untilStatus('VM1', 'ERROR');
  expect((await detailsOf('VM1'))?.additionalDetails).toBe(
    'ERROR the handler took longer than 50 ms (attempt 1 of 1) at revision 1',
  );
});

test('a handler that never returns is abandoned, and its resource is retried', async () => {
  const attempts: number[] = [];
  await workers.work(
    'E1',
    {
      realize: ({ attempt }) => {
        attempts.push(attempt);
        return attempt === 1 ? new Promise(() => {}) : Promise.resolve();
      },
    },
    { attemptTimeoutMs: 50, abandonAfterMs: 50 },
  );
  await persist('VM1');
  await untilStatus('VM1', 'REALIZED');
  expect(attempts).toEqual([1, 2]);
});

test('handlers that never return do not use up the worker for good', async () => {
  const hung = new Set<string>();
  await workers.work(
    'E1',
    {
      realize: ({ record, attempt }) => {
        if (attempt > 1) return Promise.resolve();
        hung.add(record.id);
        return new Promise(() => {});
      },
    },
    { concurrency: 2, attemptTimeoutMs: 50, abandonAfterMs: 20 },
  );
  await persistMany(6);
  for (let index = 0; index < 6; index++) await untilStatus(`VM${index}`, 'REALIZED');
  expect(hung.size).toBe(6);
});

test('a point that is down is paused, and waiting jobs use up no attempts', async () => {
  const begun: number[] = [];
  await persistMany(20);
  await workers.work(
    'E1',
    {
      realize: async () => {
        begun.push(performance.now());
        if (begun.length <= 3) throw new Error('connection refused');
      },
    },
    { concurrency: 1, circuitBreaker: { failures: 3, pauseMs: 300 } },
  );
  for (let index = 0; index < 20; index++) await untilStatus(`VM${index}`, 'REALIZED');
  expect(begun).toHaveLength(23);
  const [, , last = 0, next = 0] = begun;
  expect(next - last).toBeGreaterThan(299);
});

test('failures caused by resources do not open the circuit', async () => {
  let attempts = 0;
  await persistMany(6);
  await workers.work(
    'E1',
    {
      realize: async () => {
        attempts++;
        throw new TerminalError('no such image');
      },
    },
    { concurrency: 1, circuitBreaker: { failures: 2, pauseMs: 600_000 } },
  );
  await soon(() => expect(attempts).toBe(6));
});

const count = (message: RegExp) => lines.filter(({ msg, table }) => table === 'vm' && message.test(msg)).length;

const admin = (sql: string) => withClient(fixture.adminUrl, (client) => client.query(sql));

test('a broken table is tried with growing delays and logged once, while the others continue', async () => {
  lines.length = 0;
  for (let index = 0; index < 20; index++)
    await r.persistIntent(vm, { id: `VM${index}`, name: 'one' }, { enforcementPoints: ['E1'] });
  await admin('alter table vm rename column name to title');
  const worker = fixture.realization.worker({
    enforcementPoint: 'E1',
    handlers: [on(vm, { realize: async () => {} }), on(rule, { realize: async () => {} })],
  });
  await worker.start();
  for (let round = 0; round < 4; round++) {
    await r.persistIntent(rule, { id: `R${round}`, port: 80 }, { enforcementPoints: ['E1'] });
    await r.waitFor(rule, `R${round}`, { status: 'REALIZED', timeoutMs: 20_000 });
  }
  await soon(() => expect(count(/could not begin/)).toBe(1));

  await admin('alter table vm rename column title to name');
  for (let index = 0; index < 20; index++) await r.waitFor(vm, `VM${index}`, { status: 'REALIZED', timeoutMs: 20_000 });
  expect([count(/could not begin/), count(/can begin again/)]).toEqual([1, 1]);
  await worker.stop();
});
