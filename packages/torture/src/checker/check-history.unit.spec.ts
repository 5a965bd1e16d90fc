import { expect, test } from 'vitest';
import type {
  AttemptEvent,
  ChangeEvent,
  HistoryEvent,
  OperationEvent,
  ProcessEvent,
  ResourceState,
} from '../history/history-event.ts';
import { checkHistory } from './check-history.ts';

const ROW = { table: 'vm', org: 'o1', id: '~o1~r1' };
const SIGN = { table: 'sign', org: 'o1', id: '~o1~r1' };
const FIRST = '~o1~ first';
const SECOND = '~o1~ second';

const operation = (at: number, call: string, rest: Partial<OperationEvent>): OperationEvent => ({
  ...{ at, pid: 1, kind: 'operation', phase: 'invoke', name: 'persistIntent', call, ...ROW },
  ...rest,
});
const attempt = (at: number, call: string, pid: number, rest: Partial<AttemptEvent> = {}): AttemptEvent => ({
  ...{
    at,
    pid,
    kind: 'attempt',
    phase: 'invoke',
    call,
    ...ROW,
    point: 'E0',
    revision: 1,
    removal: false,
    value: FIRST,
  },
  ...rest,
});
const change = (at: number, position: string, rest: Partial<ChangeEvent>): ChangeEvent => ({
  ...{ at, pid: 3, kind: 'change', name: 'all-vm', operation: 'update', revision: 1, position, ...ROW, value: FIRST },
  ...rest,
});
const status = (at: number, position: string, value: number, revision = 1): ChangeEvent => {
  const { value: _, ...rest } = change(at, position, { name: 'all-status', revision, point: 'E0', status: value });
  return rest;
};
const process = (at: number, phase: ProcessEvent['phase'], target: number): ProcessEvent => ({
  ...{ at, pid: 9, kind: 'process', phase, role: 'worker', target },
});
const VM: ResourceState = {
  ...ROW,
  ...{ revision: 2, deleted: false, value: SECOND, overall: 200, overallRevision: 2 },
  points: [{ point: 'E0', status: 200, revision: 2 }],
};
const SIGN_STATE: ResourceState = {
  ...SIGN,
  ...{ revision: 1, deleted: false, value: '~o1~ sign', overall: 1000, overallRevision: 1 },
  points: [{ point: 'M0', status: 1000, revision: 1 }],
};
const snapshot = (at: number, resources: readonly ResourceState[], final = true): HistoryEvent => ({
  ...{ at, pid: 9, kind: 'snapshot', final, resources },
});
const COUNTED = [
  { table: 'vm', point: '', status: 200, resources: 1 },
  { table: 'vm', point: 'E0', status: 200, resources: 1 },
  { table: 'sign', point: '', status: 1000, resources: 1 },
  { table: 'sign', point: 'M0', status: 1000, resources: 1 },
];

/** Two intents that were realized and delivered, and a sign that was marked. By line, so that each can be doctored. */
const GOOD = {
  invoke1: operation(1, 'c1', { value: FIRST, points: ['E0'] }),
  ok1: operation(2, 'c1', { phase: 'ok', value: FIRST, revision: 1 }),
  insert: change(3, '1', { operation: 'insert' }),
  begin1: attempt(4, 'a1', 2),
  inProgress1: status(5, '2', 600),
  end1: attempt(6, 'a1', 2, { phase: 'ok' }),
  realized1: status(7, '3', 200),
  invoke2: operation(10, 'c2', { value: SECOND, points: ['E0'] }),
  ok2: operation(12, 'c2', { phase: 'ok', value: SECOND, revision: 2 }),
  update: change(13, '4', { revision: 2, value: SECOND }),
  pending2: status(14, '5', 800, 2),
  begin2: attempt(15, 'a2', 4, { revision: 2, value: SECOND }),
  end2: attempt(16, 'a2', 4, { phase: 'ok', revision: 2, value: SECOND }),
  realized2: status(17, '6', 200, 2),
  invoke3: operation(20, 'c3', { ...SIGN, value: '~o1~ sign', points: ['M0'] }),
  ok3: operation(21, 'c3', { ...SIGN, phase: 'ok', value: '~o1~ sign', revision: 1 }),
  mark: operation(22, 'c4', { ...SIGN, name: 'mark', points: ['M0'], status: '1000', revision: 1 }),
  marked: operation(23, 'c4', { ...SIGN, phase: 'ok', name: 'mark', points: ['M0'], status: '1000', revision: 1 }),
  answer: { at: 24, pid: 1, kind: 'answer', org: 'o1', door: 'find', owners: ['o1'] },
  final: snapshot(30, [VM, SIGN_STATE]),
  counts: { at: 31, pid: 9, kind: 'counts', counted: COUNTED },
} satisfies Record<string, HistoryEvent>;
type Lines = Record<keyof typeof GOOD, HistoryEvent> & Record<string, HistoryEvent>;

const violated = (lines: Record<string, HistoryEvent | undefined>): string[] =>
  Object.entries(checkHistory(Object.values(lines).filter((line) => line !== undefined)).rules)
    .filter(([, count]) => count > 0)
    .map(([rule]) => rule);

test('a history without faults violates no rule', () => {
  expect(violated(GOOD)).toEqual([]);
});

const LOST = 'no acknowledged intent is lost';
const MARKS = 'no acknowledged mark is lost';
const REVISIONS = 'revisions of a row increase, and none is used twice';
const OVERALL = 'the overall status is correct in every snapshot';
const SINGLE = 'at most one attempt at a time for a resource at a point';
const EVIDENCE = 'a status follows from attempts, and a late worker overwrites nothing';
const ORDER = 'the changes of each row are delivered in order, without a gap';
const INVENTED = 'no change is invented';
const REALIZED = 'in the end everything is realized or removed';
const COUNTS = 'counts equal the tables';
const FOREIGN = 'nothing of another tenant is in any result, feed, log line or error';
const SECRETS = 'no planted secret is in a log line or an error';

const DOCTORED: readonly [doctored: string, rule: string, lines: (good: typeof GOOD) => Partial<Lines>][] = [
  [
    'an acknowledged intent that is not in the table',
    LOST,
    () => ({ final: snapshot(30, [{ ...VM, revision: 1, value: FIRST }, SIGN_STATE]) }),
  ],
  [
    'an acknowledged intent that the table has with another value',
    LOST,
    () => ({ final: snapshot(30, [{ ...VM, value: FIRST }, SIGN_STATE]) }),
  ],
  ['a row that is gone though nobody deleted it', LOST, () => ({ final: snapshot(30, [SIGN_STATE]) })],
  ['an acknowledged intent that was not delivered', LOST, ({ update }) => ({ update: { ...update, revision: 3 } })],
  [
    'an acknowledged mark that is not in the table',
    MARKS,
    () => ({ final: snapshot(30, [VM, { ...SIGN_STATE, points: [{ point: 'M0', status: 800, revision: 1 }] }]) }),
  ],
  ['a revision that is given twice', REVISIONS, ({ ok2 }) => ({ ok2: { ...ok2, revision: 1 } })],
  ['a lower revision after a higher one', REVISIONS, ({ ok1 }) => ({ ok1: { ...ok1, revision: 3 } })],
  [
    'an overall status lighter than a point',
    OVERALL,
    () => ({
      early: snapshot(5, [{ ...VM, overall: 200, points: [{ point: 'E0', status: 800, revision: 2 }] }], false),
    }),
  ],
  [
    'an overall status heavier than every point',
    OVERALL,
    () => ({ early: snapshot(5, [{ ...VM, overall: 1000 }], false) }),
  ],
  [
    'a point at another revision than its resource',
    OVERALL,
    () => ({ early: snapshot(5, [{ ...VM, points: [{ point: 'E0', status: 200, revision: 1 }] }], false) }),
  ],
  [
    'points of a resource without an overall status',
    OVERALL,
    () => ({ early: snapshot(5, [{ ...VM, overall: null }], false) }),
  ],
  [
    'two attempts at once',
    SINGLE,
    () => ({ twin: attempt(5, 'a9', 7), twinEnd: attempt(6, 'a9', 7, { phase: 'ok' }) }),
  ],
  [
    'an attempt beside one of a process that woke up long ago',
    SINGLE,
    () => ({
      stop: process(4.5, 'stopped', 2),
      wake: process(4.6, 'continued', 2),
      end1: attempt(5_000, 'a1', 2, { phase: 'ok' }),
      realized1: status(5_001, '3', 200),
      twin: attempt(4_000, 'a9', 7),
    }),
  ],
  ['a status without an attempt', EVIDENCE, ({ end1 }) => ({ end1: { ...end1, phase: 'failed' } })],
  ['a realized revision that is marked again', EVIDENCE, () => ({ zombie: status(18, '7', 1000, 2) })],
  ['an older revision that is marked after a newer one', EVIDENCE, () => ({ zombie: status(18, '7', 600, 1) })],
  [
    'changes in the wrong order',
    ORDER,
    ({ insert, update }) => ({ insert: { ...insert, at: 14 }, update: { ...update, at: 13 } }),
  ],
  ['a revision that is left out', ORDER, ({ update }) => ({ update: { ...update, revision: 3 } })],
  ['a value that nobody wrote', INVENTED, ({ update }) => ({ update: { ...update, value: '~o1~ third' } })],
  ['a value of an operation that failed', INVENTED, ({ ok2 }) => ({ ok2: { ...ok2, phase: 'failed' } })],
  ['a value of another row', INVENTED, () => ({ other: change(25, '9', { id: '~o1~r2', value: FIRST }) })],
  [
    'a resource that is never realized',
    REALIZED,
    () => ({
      final: snapshot(30, [{ ...VM, overall: 800, points: [{ point: 'E0', status: 800, revision: 2 }] }, SIGN_STATE]),
    }),
  ],
  ['a count that differs', COUNTS, ({ counts }) => ({ counts: { ...counts, counted: COUNTED.slice(1) } })],
  ["an answer with another tenant's mark", FOREIGN, ({ answer }) => ({ answer: { ...answer, owners: ['o1', 'o2'] } })],
  ["a change with another tenant's value", FOREIGN, ({ update }) => ({ update: { ...update, value: '~o2~ second' } })],
  [
    "an attempt with another tenant's value",
    FOREIGN,
    ({ begin2 }) => ({ begin2: { ...begin2, value: '~o2~ second' } }),
  ],
  [
    'a log line with a planted secret',
    SECRETS,
    () => ({ line: { at: 1, pid: 9, kind: 'answer', door: 'log line', owners: [], secret: true } }),
  ],
  ['a process that ends by itself', 'no process ends by itself', () => ({ end: process(20, 'died', 2) })],
  [
    'a figure past its limit',
    'what scenarios ask for by themselves',
    () => ({ slow: { at: 30, pid: 9, kind: 'figure', name: 'slowest recovery', value: 11, unit: 's', limit: 10 } }),
  ],
];

test.each(DOCTORED)('%s violates: %s', (_doctored, rule, lines) => {
  expect(violated({ ...GOOD, ...lines(GOOD) })).toContain(rule);
});

const LATE = { end1: attempt(8, 'a1', 2, { phase: 'aborted' }), realized1: status(9, '3', 200) };

test.each<[string, Partial<Lines>]>([
  [
    'killed',
    { kill: process(4.5, 'killed', 2), end1: attempt(5, 'a9', 7), again: attempt(6, 'a9', 7, { phase: 'ok' }) },
  ],
  [
    'frozen',
    {
      stop: process(4.5, 'stopped', 2),
      begin9: attempt(5, 'a9', 7),
      end1: attempt(6, 'a9', 7, { phase: 'ok' }),
      wake: process(8, 'continued', 2),
    },
  ],
  [
    'aborted',
    {
      abort: attempt(4.5, 'a1', 2, { phase: 'aborted' }),
      begin9: attempt(5, 'a9', 7),
      end1: attempt(6, 'a9', 7, { phase: 'ok' }),
    },
  ],
])('an attempt after one that was %s violates nothing', (_how, lines) => {
  expect(violated({ ...GOOD, ...lines })).toEqual([]);
});

test.each<[string, Partial<Lines>]>([
  ['a change that is delivered again', { again: { ...GOOD.insert, at: 14 } }],
  [
    'an attempt that is aborted a moment late',
    { ...LATE, begin9: attempt(5, 'a9', 7), end9: attempt(7.5, 'a9', 7, { phase: 'ok' }) },
  ],
  [
    'a resource that was removed from every point, still exists and is REALIZED',
    { early: snapshot(5, [{ ...VM, points: [{ point: 'E0', status: 100, revision: 2 }] }], false) },
  ],
  ['an unknown outcome that took effect', { ok2: { ...GOOD.ok2, phase: 'unknown' } }],
  [
    'a mark that another may have overtaken',
    { mark2: operation(22.5, 'c5', { ...SIGN, name: 'mark', points: ['M0'], status: '200', revision: 1 }) },
  ],
])('%s violates nothing', (_what, lines) => {
  expect(violated({ ...GOOD, ...lines })).toEqual([]);
});

const failover: HistoryEvent = { at: 9, pid: 9, kind: 'failover' };

test('what was acknowledged before a failover may be lost', () => {
  const lost = { ok1: { ...GOOD.ok1, revision: 2 } };
  expect(violated({ ...GOOD, ...lost })).toContain(REVISIONS);
  expect(violated({ ...GOOD, ...lost, failover })).not.toContain(REVISIONS);
});

test('a status that is delivered after a failover may follow from an attempt before it', () => {
  expect(violated({ ...GOOD, failover: { ...failover, at: 16.5 } })).not.toContain(EVIDENCE);
  const { begin2: _, end2: __, ...withoutAttempt } = GOOD;
  expect(violated({ ...withoutAttempt, failover: { ...failover, at: 16.5 } })).toContain(EVIDENCE);
});

test('what was acknowledged after a failover must not be lost', () => {
  const { update: _, ...withoutUpdate } = GOOD;
  expect(violated({ ...withoutUpdate, failover, other: change(18, '9', { revision: 3, value: SECOND }) })).toContain(
    LOST,
  );
});

test('lost changes that a process had read before a failover may arrive until its reset, and not after it', () => {
  const lost = { lost: status(15.2, '59', 600, 9) };
  const reset: HistoryEvent = { at: 15.5, pid: 3, kind: 'reset', name: 'all-status' };
  expect(violated({ ...GOOD, ...lost, failover })).toContain(EVIDENCE);
  expect(violated({ ...GOOD, ...lost, failover, reset })).not.toContain(EVIDENCE);
  expect(violated({ ...GOOD, ...lost, failover, reset: { ...reset, at: 15.1 } })).toContain(EVIDENCE);
});
