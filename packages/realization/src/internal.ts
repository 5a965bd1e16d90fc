/**
 * What the benchmarks use of realization beyond its public API: marks in the set form in which a worker writes them.
 * Not for applications: it may change in any release.
 */
export { SERVICE_SCOPE } from './job/service-scope.ts';
export { type Mark, writeMarks } from './status/marks.ts';
export { defineStatusTables } from './status/status-tables.ts';
