export type { MetricsOptions } from './metrics-source.ts';
export { reportMetrics } from './open-telemetry.ts';
export { createMetrics, type PrometheusMetrics } from './prometheus.ts';
