import type { Activity } from '../api/model.ts';
import { printLatency, printNumber } from '../ui/format.ts';
import { Plot } from '../ui/plot.tsx';

/** Per minute: how many resources were realized and how many failed, and how long it took. */
export function ActivityPlots({ activity }: { readonly activity: readonly Activity[] }) {
  const minutes = activity.map(({ minute }) => Date.parse(minute) / 1_000);
  const realized = activity.reduce((sum, minute) => sum + minute.realized, 0);
  const failed = activity.reduce((sum, minute) => sum + minute.failed, 0);
  const latest = activity.findLast(({ p50Ms }) => p50Ms !== null);
  return (
    <div class="columns plots">
      <section class="card" aria-labelledby="throughput-title">
        <h2 id="throughput-title">Throughput per minute</h2>
        <p class="dim">
          {minutes.length === 0 && 'Loading …'}
          {minutes.length > 0 && `${printNumber(realized)} realized and ${printNumber(failed)} failed in 30 minutes`}
        </p>
        <Plot
          x={minutes}
          series={[
            { label: 'realized', tone: 'ok', values: activity.map((minute) => minute.realized) },
            { label: 'failed', tone: 'bad', values: activity.map((minute) => minute.failed) },
          ]}
          print={printNumber}
        />
      </section>
      <section class="card" aria-labelledby="latency-title">
        <h2 id="latency-title">From intent to realized</h2>
        <p class="dim">
          {latest
            ? `in the last minute with data: half within ${printLatency(latest.p50Ms)}, 99 of 100 within ${printLatency(latest.p99Ms)}`
            : 'nothing was realized in 30 minutes'}
        </p>
        <Plot
          x={minutes}
          series={[
            { label: 'p50', tone: 'work', values: activity.map((minute) => minute.p50Ms) },
            { label: 'p99', tone: 'wait', values: activity.map((minute) => minute.p99Ms) },
          ]}
          print={printLatency}
        />
      </section>
    </div>
  );
}
