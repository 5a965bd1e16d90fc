/**
 * What the benchmarks use of realization beyond its public API: marks in the set form in which a worker writes them; and
 * what the command line needs to plan the schema and to examine a database. Not for applications: it may change in any release.
 */
export { countFailedOfStore } from './operator/failed-resources.ts';
export { realizationPart } from './realization-part.ts';
export { registeredTables } from './registered-tables.ts';
export { SERVICE_SCOPE } from './resource/service-scope.ts';
export { defineStatusTables } from './resource/status-tables.ts';
export { type Mark, writeMarks } from './status/marks.ts';
