/** What realization may use of subscriptions beyond the public API. Not for applications. */
export { internalsOf, type SettledListener, type SubscriptionsInternals } from './subscriptions-internals.ts';
