import { type BatchObservableResult, metrics, type Observable } from '@opentelemetry/api';
import { listenToEvents } from './event-samples.ts';
import { GaugeReader } from './gauge-samples.ts';
import { BUCKETS, COUNTERS, GAUGES, HISTOGRAMS, type Metric, type Sample } from './metric.ts';
import { checkMetricsOptions, type MetricsOptions } from './metrics-source.ts';

/**
 * Reports the metrics of `createMetrics` to the registered OpenTelemetry SDK. Call it after the SDK has started. Names
 * have dots (`intendant.attempts`), and labels are attributes. Returns a function that stops the reports. Throws
 * ConfigurationError for an option that is missing or unknown.
 *
 * ```ts
 * const stop = reportMetrics({ store, realization, subscriptions });
 * ```
 */
export function reportMetrics(options: MetricsOptions): () => void {
  checkMetricsOptions('reportMetrics', options);
  const meter = metrics.getMeter('@intendant/telemetry');
  const counters = instruments(COUNTERS, (name, description) => meter.createCounter(name, { description }));
  const histograms = instruments(HISTOGRAMS, (name, description, unit) =>
    meter.createHistogram(name, { description, unit, advice: { explicitBucketBoundaries: BUCKETS } }),
  );
  const gauges = instruments(GAUGES, (name, description, unit) =>
    meter.createObservableGauge(name, { description, unit }),
  );
  const stop = listenToEvents({
    onCount: (sample) => counters[sample.metric].add(sample.value, attributesOf(COUNTERS, sample)),
    onDuration: (sample) => histograms[sample.metric].record(sample.value, attributesOf(HISTOGRAMS, sample)),
  });
  const reader = new GaugeReader(options);
  const observe = async (result: BatchObservableResult): Promise<void> => {
    for (const sample of await reader.read())
      result.observe(gauges[sample.metric], sample.value, attributesOf(GAUGES, sample));
  };
  const observed: Observable[] = Object.values(gauges);
  meter.addBatchObservableCallback(observe, observed);
  return () => {
    stop();
    meter.removeBatchObservableCallback(observe, observed);
  };
}

function instruments<Key extends string, Instrument>(
  definitions: Readonly<Record<Key, Metric>>,
  make: (name: string, description: string, unit: string) => Instrument,
): Record<Key, Instrument> {
  const entries = Object.entries<Metric>(definitions).map(([key, { name, help }]) => [
    key,
    make(dotted(name), help, unitOf(name)),
  ]);
  return Object.fromEntries(entries) as Record<Key, Instrument>;
}

/** `intendant_attempts_total` is `intendant.attempts` in OpenTelemetry; exporters add the unit and `_total`. */
const dotted = (name: string): string => name.replace(/_(?:total|seconds|bytes)$/, '').replaceAll('_', '.');

/** The unit in the notation of OpenTelemetry (UCUM); empty for a number of things. */
const unitOf = (name: string): string => (name.endsWith('_seconds') ? 's' : name.endsWith('_bytes') ? 'By' : '');

const attributesOf = <Name extends string>(definitions: Readonly<Record<Name, Metric>>, sample: Sample<Name>) =>
  Object.fromEntries(
    definitions[sample.metric].labels.map((label, index) => [`intendant.${label}`, sample.labels[index]]),
  );
