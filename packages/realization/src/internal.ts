/**
 * What the benchmarks use of realization beyond its public API: marks in the set form in which a worker writes them.
 * Not for applications: it may change in any release.
 */
export { SERVICE_SCOPE } from './resource/service-scope.ts';
export { defineStatusTables } from './resource/status-tables.ts';
export { type Mark, writeMarks } from './status/marks.ts';
