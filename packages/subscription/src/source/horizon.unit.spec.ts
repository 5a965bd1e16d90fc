import { expect, test } from 'vitest';
import { Horizon } from './horizon.ts';

const notice = (settled: number, last = settled, logId = 'log', timeline = '') => ({ logId, timeline, settled, last });

test('an older notice from another source changes nothing', () => {
  const horizon = new Horizon();
  const [direct, byNotification] = [horizon.openSource().announced, horizon.openSource().announced];
  direct(notice(10));
  direct(notice(20));
  byNotification(notice(10));
  expect(horizon).toMatchObject({ settled: 20, generation: 0 });
});

test('a new leader that has settled less does not move the horizon back', () => {
  const horizon = new Horizon();
  const announced = horizon.openSource().announced;
  announced(notice(20));
  announced(notice(0, 25));
  expect(horizon).toMatchObject({ settled: 20, generation: 0 });
});

test('a log that was truncated at its end or replaced begins a new generation and wakes waiting callers', async () => {
  const horizon = new Horizon();
  const announced = horizon.openSource().announced;
  announced(notice(20));
  const waiting = horizon.beyond(20, 0, new AbortController().signal);
  announced(notice(15));
  await waiting;
  expect(horizon).toMatchObject({ settled: 15, generation: 1 });
  announced(notice(3, 3, 'other'));
  expect(horizon).toMatchObject({ settled: 3, generation: 2, logId: 'other' });
});

test('a log that has lost an announced change is noticed at the second announcement after it', () => {
  const horizon = new Horizon();
  const way = horizon.openSource();
  way.announced(notice(20));
  way.noticed(notice(30));
  horizon.reach(30);
  // The relay may have checked before the writer announced its change, and one check may be announced in two parts.
  way.announced(notice(25));
  way.announced(notice(25));
  expect(horizon).toMatchObject({ settled: 30, generation: 0 });
  way.announced(notice(26));
  expect(horizon).toMatchObject({ settled: 26, generation: 1 });
});

test('a new timeline of the server begins a new generation, whatever its numbers are', () => {
  const horizon = new Horizon();
  const [direct, listened] = [horizon.openSource(), horizon.openSource()];
  listened.announced(notice(20, 20, 'log', '1'));
  listened.announced(notice(20, 20)); // A relay of an earlier release does not name the timeline.
  expect(horizon).toMatchObject({ settled: 20, generation: 0, timeline: '1' });
  direct.announced(notice(40, 40, 'log', '2'));
  expect(horizon).toMatchObject({ settled: 40, generation: 1, timeline: '2', logId: 'log' });
  listened.announced(notice(50, 50, 'log', '2'));
  expect(horizon).toMatchObject({ settled: 50, generation: 1 });
});
