import type { Result, Results } from '../result.ts';
import { figure, percent } from './figures.ts';

/** A target that was set before anything was measured. */
interface Target {
  /** The result that decides. */
  readonly result: string;
  /** The target in words, as it was set. */
  readonly text: string;
  readonly measured: (result: Result) => number;
  readonly unit: string;
  /** The limit: at least this value, or at most. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

const ratioAtLeast = (result: string, atLeast: number, text: string): Target => ({
  result,
  text,
  measured: ({ ratio }) => ratio,
  unit: '×',
  atLeast,
});

/** For targets that were set as a cost: ours divided by the peer's. */
const costAtMost = (result: string, atMost: number, text: string): Target => ({
  result,
  text,
  measured: ({ ratio }) => 1 / ratio,
  unit: '×',
  atMost,
});

const oursAtMost = (result: string, atMost: number, unit: string, text: string): Target => ({
  result,
  text,
  measured: ({ ours }) => ours,
  unit,
  atMost,
});

const TARGETS: readonly Target[] = [
  costAtMost('scoped-read.vs-raw', 1.15, 'find by key at 8 clients ≤ 1.15 × the time of a raw unscoped query'),
  ratioAtLeast('scoped-read.vs-pattern', 2.8, 'find by key ≥ 2.8 × the throughput of BEGIN/set_config/SELECT/COMMIT'),
  costAtMost('scoped-write.insert.vs-raw', 1.25, 'insert ≤ 1.25 × raw'),
  costAtMost('scoped-write.update.vs-raw', 1.25, 'update ≤ 1.25 × raw'),
  costAtMost('bulk-insert.vs-raw', 1.5, 'insertMany of 10,000 rows ≤ 1.5 × raw unnest'),
  {
    result: 'scoped-read.cpu.vs-raw',
    text: "a warm session adds < 5 µs of CPU a call beyond pg's own",
    measured: ({ ours, peer }) => ours - peer,
    unit: 'µs',
    atMost: 5,
  },
  costAtMost('memory.calls', 1.1, 'memory flat over a million calls: after them ≤ 1.1 × after the first tenth'),
  costAtMost('protostore.insert.vs-bytes', 1.3, 'a message inserted within 1.3 × of the same bytes in a core table'),
  costAtMost('protostore.find.vs-bytes', 1.3, 'a message found within 1.3 × of the same bytes in a core table'),
  ratioAtLeast(
    'feed-tax.vs-none',
    0.75,
    'writers at 32 clients keep ≥ 0.75 × the throughput of a table without a feed',
  ),
  ratioAtLeast('feed-tax.vs-notify', 1.8, 'writers at 32 clients ≥ 1.8 × those of a row-level NOTIFY trigger'),
  ratioAtLeast(
    'feed-tax.vs-replication',
    0.9,
    'writers at 32 clients ≥ 0.9 × those of logical replication with a reader',
  ),
  ratioAtLeast(
    'feed-latency.vs-notify',
    0.33,
    "with nothing else going on, a change is heard within 3 × LISTEN/NOTIFY's time",
  ),
  oursAtMost(
    'feed-latency.half-load-p50.vs-notify',
    5,
    'ms',
    'commit → handler p50 ≤ 5 ms at half of the maximum rate',
  ),
  oursAtMost(
    'feed-latency.half-load-p99.vs-notify',
    15,
    'ms',
    'commit → handler p99 ≤ 15 ms at half of the maximum rate',
  ),
  {
    result: 'feed-backlog.vs-replication',
    text: '≥ 20,000 changes/s to one subscriber from a backlog',
    measured: ({ ours }) => ours,
    unit: 'changes/s',
    atLeast: 20_000,
  },
  ratioAtLeast(
    'feed-fanout.vs-one',
    0.6,
    'writers keep ≥ 0.6 × with 100 subscribers, whose handlers do nothing, in 10 processes on the same machine',
  ),
  costAtMost('memory.subscriber', 1.1, 'memory of a subscriber flat: after all changes ≤ 1.1 × after the first tenth'),
  oursAtMost('idle.subscriber.vs-notify', 1, 'ms/s', 'idle CPU of a subscriber ≤ 1 ms a second'),
  ratioAtLeast('realize.vs-pgboss', 1, 'a full realization ≥ 1.0 × the rate of bare no-op jobs of pg-boss'),
  ratioAtLeast(
    'realize.with-feed.vs-pgboss',
    0.9,
    'a full realization with the feed on ≥ 0.9 × the rate of no-op jobs of pg-boss with its notify',
  ),
  ratioAtLeast('realize.vs-by-hand', 2, 'a full realization ≥ 2 × the rate of pg-boss with status tables by hand'),
  ratioAtLeast('flow.vs-pattern', 2, 'intent, PENDING and REALIZED at 8 callers ≥ 2 × the same by hand with pg'),
  ratioAtLeast('intents-32.vs-upsert', 0.5, 'persistIntent at 32 callers ≥ 0.5 × the rate of a scoped upsert'),
  ratioAtLeast('mark.vs-update', 0.6, 'single marks at 8 callers ≥ 0.6 × the rate of scoped updates'),
  ratioAtLeast('hot-resource.vs-single', 10, 'marks on one resource at 5,000 points ≥ 10 × one lock a mark'),
  ratioAtLeast('intents-32.vs-notify', 2, 'persistIntent at 32 callers ≥ 2 × the same with a NOTIFY inside'),
  oursAtMost('memory.worker', 150, 'MB', 'a worker holds ≤ 150 MB with 10,000 jobs waiting'),
  ratioAtLeast(
    'realize-latency.vs-pgboss',
    0.67,
    "intent committed → handler called within 1.5 × of pg-boss's own notify latency",
  ),
  ratioAtLeast(
    'realize-latency.realized.vs-pgboss',
    0.5,
    'intent committed → REALIZED seen elsewhere within 2 × of pg-boss with a NOTIFY by its handler',
  ),
  oursAtMost('idle.worker.vs-pgboss', 10, 'ms/s', 'idle CPU of a worker near zero: ≤ 1 %'),
];

export interface Verdict {
  readonly text: string;
  readonly result: string;
  readonly target: string;
  readonly measured: string;
  readonly isMet: boolean;
  /** For a target that is missed: the figures of this run that explain it. */
  readonly reason: string | undefined;
}

/** The targets to which these results apply. */
export function judge(results: Results): Verdict[] {
  return TARGETS.flatMap((target) => {
    const result = results[target.result];
    if (result === undefined) return [];
    const measured = target.measured(result);
    const [sign, bound] = target.atLeast === undefined ? ['≤', target.atMost ?? 0] : ['≥', target.atLeast];
    const isMet = sign === '≥' ? measured >= bound : measured <= bound;
    return {
      text: target.text,
      result: target.result,
      target: `${sign} ${bound.toLocaleString('en-US')} ${target.unit}`,
      measured: `${figure(measured)} ${target.unit}`,
      isMet,
      reason: isMet ? undefined : reasonOf(result, measured, bound),
    };
  });
}

/** Both figures, and whether the difference from the target is smaller than the variation between rounds. */
function reasonOf({ ours, peer, unit, peerName, spread }: Result, measured: number, bound: number): string {
  const figures = `${figure(ours)} ${unit}; ${peerName}: ${figure(peer)} ${unit}.`;
  const miss = Math.abs(measured - bound) / bound;
  if (!Number.isFinite(miss)) return figures;
  const certainty =
    miss < spread
      ? `smaller than the spread of the rounds (${percent(spread)}), so this run does not decide it`
      : `larger than the spread of the rounds (${percent(spread)})`;
  return `${figures} The difference to the target, ${percent(miss)}, is ${certainty}.`;
}

/** The text for a terminal. */
export function targetTable(results: Results): string {
  const verdicts = judge(results);
  if (verdicts.length === 0) return 'No target was set for these.';
  return [
    'Targets:',
    ...verdicts.map(
      ({ isMet, text, measured }) => `  ${isMet ? 'met    ' : 'NOT MET'}  ${measured.padStart(16)}  ${text}`,
    ),
  ].join('\n');
}
