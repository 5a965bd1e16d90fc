import { internalsOf } from '@intendant/core/internal';
import { eventually } from '@intendant/devdb/testing';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createRealization, on, type RealizationSession, TerminalError, type WorkerOptions } from '../index.ts';
import { type Fixture, openFixture, pepsi, vm } from '../testing/fixture.ts';
import { serviceQuery } from '../testing/service-query.ts';
import { type VmHandlers, Workers } from '../testing/workers.ts';

let fixture: Fixture;
let workers: Workers;
let r: RealizationSession;
const lines: string[] = [];
beforeAll(async () => {
  const logger = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
  fixture = await openFixture({ logger });
  workers = new Workers(fixture.realization);
  r = fixture.realization.as(pepsi);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await workers.stop();
  await fixture.empty();
  await serviceQuery(fixture.store, 'delete from intendant.status_history');
});
afterAll(() => fixture[Symbol.asyncDispose]());

const make = (handlers: VmHandlers = {}, options: Partial<WorkerOptions> = {}) =>
  workers.make({ enforcementPoint: 'E1', handlers: [on(vm, { realize: async () => {}, ...handlers })], ...options });
const persist = async (id: string, name = 'one') =>
  (await r.persistIntent(vm, { id, name }, { enforcementPoints: ['E1'] })).record;
const query = (text: string, values: unknown[] = []) => serviceQuery(fixture.store, text, values);

/** A claim that is not renewed, as a killed worker leaves it. */
const dieInAttempt = (attempt: number) =>
  query(
    `update intendant_jobs.job_common
     set state = 'active', started_on = now(), heartbeat_on = now() - interval '1 hour', retry_count = $1`,
    [attempt - 1],
  );

describe('drain', () => {
  test('attempts what is due, and returns the attempts, without a start or a wait', async () => {
    const fail: VmHandlers['realize'] = async ({ record }) => {
      if (record.name === 'bad') throw new Error('no room');
    };
    const worker = make({ realize: fail }, { retry: { minDelayMs: 600_000, maxDelayMs: 600_000 } });
    expect(await worker.drain()).toEqual([]);
    await persist('VM1');
    await persist('VM2', 'bad');
    const attempts = (await worker.drain()).toSorted((a, b) =>
      JSON.stringify(a.key).localeCompare(JSON.stringify(b.key)),
    );
    expect(attempts).toMatchObject([
      { table: 'vm', key: { id: 'VM1', orgId: 'Pepsi' }, revision: 1, attempt: 1, action: 'realize', outcome: 'done' },
      { key: { id: 'VM2' }, outcome: 'failed', error: 'no room (attempt 1 of 20)' },
    ]);
    expect(attempts[1]?.retryInMs).toBeGreaterThan(0);
    expect(attempts[0]).toMatchObject({ error: null, retryInMs: null });
    expect(worker.inFlight).toBe(0);
    await r.softDelete(vm, 'VM1');
    expect(await worker.drain()).toMatchObject([{ action: 'unrealize', outcome: 'done' }]);
    expect(await r.getOverallStatus(vm, 'VM1')).toBe('DELETION_REALIZED');
  });

  test('repeats a failed attempt after retry, without waiting for the backoff', async () => {
    let failures = 2;
    const worker = make({
      realize: async () => {
        if (failures-- > 0) throw new Error('no room');
      },
    });
    await persist('VM1');
    for (const outcome of ['failed', 'failed', 'done']) {
      expect(await worker.drain()).toMatchObject([{ attempt: 1, outcome }]);
      expect(await r.retry(vm, { status: 'ERROR' })).toBe(outcome === 'failed' ? 1 : 0);
    }
  });

  test('leaves a worker running that was started before, and gives up when its time is over', async () => {
    const worker = await workers.work('E1', { realize: () => new Promise(() => {}) }, { stopTimeoutMs: 0 });
    expect(await worker.drain()).toEqual([]);
    await persist('VM1');
    await eventually(() => expect(worker.inFlight).toBe(1));
    await expect(worker.drain({ timeoutMs: 100 })).rejects.toMatchObject({ code: 'OPERATION_CANCELLED' });
    expect(worker.inFlight).toBe(1);
  });
});

describe('a handler that crashes its process', () => {
  test('is not tried beyond the limit: its resource is in ERROR, with the reason', async () => {
    const attempts: number[] = [];
    const worker = make({ realize: async ({ attempt }) => void attempts.push(attempt) }, { retry: { limit: 2 } });
    await persist('VM1');
    await dieInAttempt(2);
    expect(await worker.drain()).toMatchObject([{ outcome: 'failed', retryInMs: null }]);
    expect(attempts).toEqual([]);
    const { overall } = await r.getOverallStatusWithEnforcementDetails(vm, 'VM1');
    expect(overall).toMatchObject({ status: 'ERROR' });
    expect(overall.additionalDetails).toContain('stopped renewing its lease (attempt 2 of 2)');
    expect((await r.detail(vm, 'VM1')).points).toMatchObject([{ attempt: 2, job: 'failed', nextAttemptAt: null }]);
    expect(await r.retry(vm, 'VM1')).toBe(1);
    expect(await worker.drain()).toMatchObject([{ attempt: 1, outcome: 'done' }]);
  });

  test('is not shown as given up any more once its resource is realized in another way', async () => {
    const worker = make({}, { retry: { limit: 2 } });
    const record = await persist('VM1');
    await dieInAttempt(2);
    await worker.drain();
    await r.markSuccess(vm, record, 'E1');
    expect((await r.detail(vm, 'VM1')).points).toMatchObject([{ status: 'REALIZED', job: null }]);
  });

  test('is tried again while attempts are left, and the history contains each', async () => {
    const worker = make({}, { retry: { limit: 3 } });
    await persist('VM1');
    await internalsOf(fixture.store).withAdmin((client) =>
      client.query('update public.enforcement_status_vm set realization_status = 600, attempt = 1'),
    );
    await dieInAttempt(1);
    expect(await worker.drain()).toMatchObject([{ attempt: 2, outcome: 'done' }]);
    const history = await r.history(vm, 'VM1');
    expect(history.map(({ status, attempt }) => `${status} ${attempt}`)).toEqual([
      'REALIZED 2',
      'IN_PROGRESS 2',
      'IN_PROGRESS 1',
      'PENDING null',
    ]);
  });
});

describe('any value that a handler throws', () => {
  const hostile: object = new Proxy(
    {},
    {
      get: () => {
        throw new Error('hands off');
      },
      getPrototypeOf: () => {
        throw new Error('hands off');
      },
    },
  );
  const thrown: [string, unknown][] = [
    ['an error whose message is an array', Object.assign(new Error(), { message: ['cpus must be a number'] })],
    ['a terminal error whose message is not a string', Object.assign(new TerminalError('x'), { message: { code: 7 } })],
    ['a value that throws when it is looked at', hostile],
    ['a symbol', Symbol('odd')],
    ['nothing', undefined],
    [
      'an error with a getter that throws',
      Object.defineProperty(new Error(), 'message', { get: () => hostile.toString() }),
    ],
  ];

  test.each(thrown)('%s is recorded as text, and the worker goes on', async (_, value) => {
    const rejections: unknown[] = [];
    const note = (reason: unknown) => void rejections.push(reason);
    process.on('unhandledRejection', note);
    const worker = make(
      {
        realize: async ({ record }) => {
          if (record.id === 'VM1') throw value;
        },
        observe: () => Promise.reject(value),
      },
      // A periodic resync could add the job first.
      { retry: { limit: 1 }, resyncEveryMs: Number.POSITIVE_INFINITY },
    );
    await persist('VM1');
    await persist('VM2');
    expect((await worker.drain()).map(({ outcome }) => outcome).sort()).toEqual(['done', 'failed']);
    expect(await r.resync(vm, 'VM2')).toBe(1);
    expect(await worker.drain()).toMatchObject([{ action: 'observe' }]);
    const { overall } = await r.getOverallStatusWithEnforcementDetails(vm, 'VM1');
    expect(overall.status).toBe('ERROR');
    expect(overall.additionalDetails).toMatch(/^ERROR .+ at revision 1$/);
    process.off('unhandledRejection', note);
    expect(rejections).toEqual([]);
  });
});

describe('options and time', () => {
  test('invalid durations and unknown options are refused by name', () => {
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ leaseMs: 1 }, /leaseMs/],
      [{ leaseMs: Number.POSITIVE_INFINITY }, /leaseMs/],
      [{ pollIntervalMs: 0 }, /pollIntervalMs/],
      [{ attemptTimeoutMs: Number.NaN }, /attemptTimeoutMs/],
      [{ stopTimeoutMs: -1 }, /stopTimeoutMs/],
      [{ resyncEveryMs: '1s' }, /resyncEveryMs/],
      [{ retry: { limit: 0 } }, /retry\.limit/],
      [{ retry: { attempts: 3 } }, /"attempts"/],
      [{ rateLimit: { attempts: 1, perMs: 5 } }, /"perMs"/],
      [{ enforcementpoint: 'E1' }, /"enforcementpoint"/],
      [{ enforcementPoint: undefined }, /give enforcementPoint/],
    ];
    for (const [options, reason] of wrong) {
      expect(() => make({}, options as never), JSON.stringify(options)).toThrow(reason);
      expect(() => make({}, options as never)).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }));
    }
  });

  test('operations refuse options that do not exist, by name', async () => {
    const record = { id: 'VM1', name: '' };
    const calls: (() => Promise<unknown>)[] = [
      () => r.persistIntent(vm, record, { enforcementpoints: ['E1'] } as never),
      () => r.submit.persistIntent(vm, record, { points: ['E1'] } as never),
      () => r.persistIntents(vm, [record], { points: ['E1'] } as never),
      () => r.submit.persistIntents(vm, [record], { points: ['E1'] } as never),
      () => r.softDelete(vm, 'VM1', { atRevision: 1 } as never),
      () => r.delete(vm, 'VM1', { atRevision: 1 } as never),
      () => r.submit.softDelete(vm, 'VM1', { atRevision: 1 } as never),
      () => r.submit.delete(vm, 'VM1', { atRevision: 1 } as never),
      () => r.list(vm, { statuses: ['ERROR'] } as never),
      () => r.count(vm, { statuses: ['ERROR'] } as never),
      () => r.resync(vm, 'VM1', { point: 'E1' } as never),
      () => r.purgeMany(vm, {}, { dry: true } as never),
      async () => (await r.submit.persistIntents(vm, [])).result({ timeout: 1 } as never),
      () => fixture.realization.register([vm], { role: {} } as never),
      () => fixture.realization.points.announce({ id: 'E1', label: {} } as never),
      () => fixture.realization.points.add({ id: 'E1', label: {} } as never),
      () => fixture.realization.points.remove('E1', { forced: true } as never),
      () => fixture.realization.points.rollout('E1').finished({ timeout: 1 } as never),
      () => createRealization({ store: fixture.store, subscriptions: undefined, feed: 1 } as never),
      () => createRealization({ store: fixture.store, subscriptions: undefined, points: { stale: 1 } as never }),
      () => createRealization({ store: fixture.store, subscriptions: undefined, maintenance: { purge: 1 } as never }),
      async () => make({}, { retry: { attempts: 3 } as never }),
      async () => make({}, { rateLimit: { attempts: 1, perMs: 3 } as never }),
      async () => make({}, { circuitBreaker: { failures: 1, pause: 3 } as never }),
      async () => make({ unrealise: async () => {} } as never),
      () => r.history(vm, 'VM1', { point: 'E1' } as never),
      () => r.waitFor(vm, 'VM1', { status: 'REALIZED', timeout: 1 } as never),
      () => r.retry(vm, 'VM1', { point: 'E1' } as never),
      () => make().drain({ timeout: 1 } as never),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(/there is no option "/);
    await expect(r.waitFor(vm, 'VM1', undefined as never)).rejects.toThrow('give the status to wait for');
    await expect(r.waitFor(vm, 'VM1', { status: 'REALIZED', timeoutMs: 0 })).rejects.toThrow('timeoutMs');
    await expect(r.getOverallStatus(vm, 'VM1')).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' });
  });

  test('a lease of months and a retry after years work without constant polling', async () => {
    const pool = vi.spyOn(internalsOf(fixture.store).pool, 'query');
    const worker = await workers.work(
      'E1',
      {
        realize: async () => {
          throw new Error('no room');
        },
      },
      {
        leaseMs: 90 * 86_400_000,
        attemptTimeoutMs: Number.POSITIVE_INFINITY,
        retry: { limit: 9, minDelayMs: 1e12, maxDelayMs: 1e12 },
      },
    );
    await persist('VM1');
    expect(await worker.drain()).toMatchObject([{ outcome: 'failed' }]);
    expect(pool.mock.calls.filter(([one]) => JSON.stringify(one).includes('heartbeat_on <')).length).toBeLessThan(3);
  });

  test('stop uses a clock that cannot be set back', async () => {
    const worker = await workers.work('E1', { realize: () => new Promise(() => {}) }, { stopTimeoutMs: 100 });
    await persist('VM1');
    await expect(worker.drain({ timeoutMs: 300 })).rejects.toThrow('still');
    const real = Date.now;
    const startedAt = performance.now();
    const stopping = worker.stop();
    vi.spyOn(Date, 'now').mockImplementation(() => real() - 3_600_000);
    await stopping;
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('a handler’s log lines name the enforcement point once', async () => {
    await persist('VM1');
    await make({ realize: async (_, { logger }) => logger.info('at work') }).drain();
    const line = lines.find((one) => one.includes('at work')) ?? '';
    expect(line.match(/"enforcementPoint"/g)).toHaveLength(1);
  });

  test('a closed realization refuses to create workers', async () => {
    const other = await createRealization({ store: fixture.store, subscriptions: undefined });
    await other.close();
    expect(() => other.worker({ enforcementPoint: 'E1', handlers: [on(vm, { realize: async () => {} })] })).toThrow(
      'closed',
    );
  });
});
