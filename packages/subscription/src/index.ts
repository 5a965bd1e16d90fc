export type { Change, ChangeOf, Operation } from './change.ts';
export { type Mirror, type MirrorOptions, openMirror } from './mirror.ts';
export type { Position } from './position.ts';
export { type ServerSentEventsOptions, serverSentEvents } from './server-sent-events.ts';
export type { Handler, Subscription } from './subscription.ts';
export {
  type ChangesOptions,
  createSubscriptions,
  type SubscribeOptions,
  type Subscriptions,
  type SubscriptionsOptions,
} from './subscriptions.ts';
