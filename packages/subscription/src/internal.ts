/** What realization and the command line may use of subscriptions beyond the public API. Not for applications. */
export { changeLogPart } from './log/change-log-part.ts';
export { addToRecords } from './log/record-extras.ts';
export { isOnlyRow } from './log/updated-row.ts';
export { removeReplication } from './replication/remove-replication.ts';
export type { SettledListener } from './source/settled-changes.ts';
export { internalsOf, type SubscriptionsInternals } from './subscriptions-internals.ts';
