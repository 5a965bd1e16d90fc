export type { Change, ChangeOf, Operation } from './change.ts';
export type { Position } from './position.ts';
export type { Handler, Subscription } from './subscription.ts';
export {
  type ChangesOptions,
  createSubscriptions,
  type SubscribeOptions,
  type Subscriptions,
  type SubscriptionsOptions,
} from './subscriptions.ts';
