import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { listenToEvents } from './event-samples.ts';
import { GaugeReader } from './gauge-samples.ts';
import { BUCKETS, COUNTERS, GAUGES, HISTOGRAMS } from './metric.ts';
import { checkMetricsOptions, type MetricsOptions } from './metrics-source.ts';

/** Metrics for Prometheus. */
export interface PrometheusMetrics extends Disposable {
  /** prom-client's registry: `await registry.metrics()` is the body of `/metrics`. You may add your own metrics. */
  readonly registry: Registry;
  /** Stops counting events. May be called more than once. */
  close(): void;
}

/**
 * Counts the attempts and deliveries of this process from now on, and reads queues, statuses, lag and pool use whenever
 * the registry is collected. Create one for each process. A collection rejects when the database cannot be read. Throws
 * ConfigurationError for an option that is missing or unknown.
 *
 * ```ts
 * const metrics = createMetrics({ store, realization, subscriptions });
 * const body = await metrics.registry.metrics();
 * ```
 */
export function createMetrics(options: MetricsOptions): PrometheusMetrics {
  checkMetricsOptions('createMetrics', options);
  const registry = new Registry();
  const registers = [registry];
  const counters = mapped(
    COUNTERS,
    ({ name, help, labels }) => new Counter({ name, help, labelNames: labels, registers }),
  );
  const histograms = mapped(
    HISTOGRAMS,
    ({ name, help, labels }) => new Histogram({ name, help, labelNames: labels, buckets: BUCKETS, registers }),
  );
  const read = sharedRead(new GaugeReader(options));
  for (const [metric, { name, help, labels }] of Object.entries(GAUGES)) {
    const collect = async function (this: Gauge): Promise<void> {
      const samples = await read();
      this.reset();
      for (const one of samples) if (one.metric === metric) this.labels(...one.labels).set(one.value);
    };
    new Gauge({ name, help, labelNames: labels, registers, collect });
  }
  const stop = listenToEvents({
    onCount: ({ metric, labels, value }) => counters[metric].labels(...labels).inc(value),
    onDuration: ({ metric, labels, value }) => histograms[metric].labels(...labels).observe(value),
  });
  return { registry, close: stop, [Symbol.dispose]: stop };
}

/** prom-client collects all gauges at the same time, each by itself. They share one read. */
function sharedRead(reader: GaugeReader): () => ReturnType<GaugeReader['read']> {
  let current: ReturnType<GaugeReader['read']> | undefined;
  return () => {
    current ??= reader.read().finally(() => {
      current = undefined;
    });
    return current;
  };
}

function mapped<Key extends string, Value, Result>(
  values: Readonly<Record<Key, Value>>,
  map: (value: Value) => Result,
): Record<Key, Result> {
  const entries = Object.entries(values) as [Key, Value][];
  return Object.fromEntries(entries.map(([key, value]) => [key, map(value)])) as Record<Key, Result>;
}
