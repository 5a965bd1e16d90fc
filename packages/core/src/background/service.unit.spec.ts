import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Backoff, backoffMs } from './backoff.ts';
import { Bell } from './bell.ts';
import { abortable, startDeadline } from './deadline.ts';
import { pause } from './pause.ts';
import { Service, type ServiceOptions, type ServiceRun } from './service.ts';
import { startTimer } from './timer.ts';

/** Long, for a busy machine. */
const LIMIT = { timeout: 20_000 };
const DAY_MS = 86_400_000;

function makeService(run: ServiceOptions['run'], options: Partial<ServiceOptions> = {}) {
  const lines: { level: number; msg: string }[] = [];
  const logger = pino({}, { write: (line) => void lines.push(JSON.parse(line)) });
  const service = new Service({
    logger,
    messages: { began: 'it is away', ended: 'it is back' },
    backoff: { minMs: 1, maxMs: 1 },
    run,
    ...options,
  });
  return { service, said: () => lines.map(({ msg }) => msg) };
}

/** Runs until it is stopped. */
const untilStopped = async ({ signal, ready }: ServiceRun): Promise<undefined> => {
  ready();
  await pause(Number.POSITIVE_INFINITY, signal);
};

afterEach(() => void vi.useRealTimers());

describe('a service', () => {
  test('may be started and stopped in any order, any number of times, and no two runs overlap', async () => {
    let running = 0;
    let runs = 0;
    const { service, said } = makeService(async (run) => {
      expect(++running).toBe(1);
      runs++;
      await untilStopped(run);
      await turn();
      running--;
      return undefined;
    });
    await service.stop();
    await Promise.all([service.start(), service.start()]);
    const calls = [service.stop(), service.stop(), service.start(), service.stop(), service.start(), service.start()];
    await Promise.all(calls);
    expect(service.isRunning).toBe(true);
    await Promise.all([service.stop(), service.stop()]);
    expect({ running, isRunning: service.isRunning, said: said() }).toEqual({ running: 0, isRunning: false, said: [] });
    expect(runs).toBeGreaterThanOrEqual(2);
  });

  test('logs an outage once, and its end once', async () => {
    let runs = 0;
    const { service, said } = makeService(async ({ signal, ready }) => {
      if (++runs < 5) throw new Error('no connection');
      return untilStopped({ signal, ready });
    });
    await service.start();
    expect({ runs, isDown: service.isDown, said: said() }).toEqual({
      runs: 5,
      isDown: false,
      said: ['it is away', 'it is back'],
    });
    await service.stop();
  });

  test('runs again when it is rung, also if it was rung during a run', async () => {
    let runs = 0;
    const { service } = makeService(async () => {
      if (++runs === 1) service.ring();
      return undefined;
    });
    await service.start();
    await vi.waitUntil(() => runs === 2, LIMIT);
    service.ring();
    await vi.waitUntil(() => runs === 3, LIMIT);
    await service.stop();
  });

  test('ends with a permanent error, and can be started again', async () => {
    let runs = 0;
    const { service } = makeService(
      async (run) => {
        if (++runs === 1) throw new Error('wrong password');
        return untilStopped(run);
      },
      { isFatal: () => true },
    );
    await expect(service.start()).rejects.toThrow('wrong password');
    expect(service.isRunning).toBe(false);
    await service.start();
    await service.stop();
    expect(runs).toBe(2);
  });

  test('that never becomes ready can be stopped, and its waiting callers continue', async () => {
    const { service } = makeService(async () => Promise.reject(Symbol('no')));
    const started = service.start();
    await service.stop();
    await expect(started).resolves.toBeUndefined();
  });
});

describe('a bell', () => {
  test('keeps one ring without waiters, and wakes all waiters', async () => {
    const bell = new Bell();
    bell.ring();
    bell.ring();
    expect(await bell.wait(DAY_MS)).toBe(true);
    expect(await bell.wait(0)).toBe(false);
    const waits = [bell.wait(), bell.wait(DAY_MS)];
    bell.ring();
    expect(await Promise.all(waits)).toEqual([true, true]);
    expect(bell.isRung).toBe(false);
  });

  test('stops a wait when the signal aborts', async () => {
    const bell = new Bell();
    const stopping = new AbortController();
    const wait = bell.wait(DAY_MS, stopping.signal);
    stopping.abort();
    expect(await wait).toBe(false);
    expect(await bell.wait(DAY_MS, stopping.signal)).toBe(false);
    bell.ring();
    expect(bell.isRung).toBe(true);
  });
});

describe('a time', () => {
  test('may be longer than setTimeout allows', () => {
    vi.useFakeTimers();
    const fired: string[] = [];
    startTimer(90 * DAY_MS, () => fired.push('90 days'));
    startTimer(2 ** 31, () => fired.push('2^31 ms'));
    startTimer(Number.POSITIVE_INFINITY, () => fired.push('never'));
    startTimer(30 * DAY_MS, () => fired.push('cancelled')).cancel();
    vi.advanceTimersByTime(2 ** 31 - 1);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(['2^31 ms']);
    vi.advanceTimersByTime(90 * DAY_MS);
    expect(fired).toEqual(['2^31 ms', '90 days']);
  });

  test('is not changed by the system clock', async () => {
    const now = vi.spyOn(Date, 'now').mockReturnValue(0);
    await pause(5);
    now.mockRestore();
  });

  test('ends early when its signal aborts', async () => {
    const stopping = new AbortController();
    const waits = [pause(Number.POSITIVE_INFINITY, stopping.signal), pause(DAY_MS, stopping.signal)];
    stopping.abort();
    await Promise.all(waits);
    await pause(DAY_MS, stopping.signal);
  });
});

describe('a deadline', () => {
  test('aborts with a TimeoutError, and not before its time', () => {
    vi.useFakeTimers();
    const { signal } = startDeadline({ timeoutMs: 30 * DAY_MS });
    const ended = startDeadline({ timeoutMs: 30 * DAY_MS });
    ended.end();
    vi.advanceTimersByTime(30 * DAY_MS - 1);
    expect(signal?.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(signal?.reason).toMatchObject({ name: 'TimeoutError' });
    expect(ended.signal?.aborted).toBe(false);
  });

  test('without a limit is the signal of the caller', () => {
    const { signal } = new AbortController();
    expect(startDeadline({ timeoutMs: Number.POSITIVE_INFINITY, signal }).signal).toBe(signal);
    expect(startDeadline({}).signal).toBeUndefined();
  });

  test('ends the wait for a promise with its reason', async () => {
    const stopping = new AbortController();
    const never = abortable(new Promise(() => {}), stopping.signal);
    const late = abortable(new Promise(() => {}), AbortSignal.abort('too late'));
    stopping.abort('enough');
    await expect(never).rejects.toBe('enough');
    await expect(late).rejects.toBe('too late');
    await expect(abortable(Promise.resolve(7), new AbortController().signal)).resolves.toBe(7);
  });
});

describe('a backoff', () => {
  test('doubles up to its limit, and leaves out a random half', () => {
    const options = { minMs: 100, maxMs: 1_000 };
    expect([1, 2, 3, 4, 5, 5_000].map((failures) => backoffMs(options, failures, 1))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
    expect(backoffMs(options, 1, 0)).toBe(50);
  });

  test('counts failures until a success', () => {
    const backoff = new Backoff({ minMs: 1, maxMs: 10 });
    backoff.next();
    backoff.next();
    expect(backoff.failures).toBe(2);
    backoff.reset();
    expect(backoff.failures).toBe(0);
  });
});
