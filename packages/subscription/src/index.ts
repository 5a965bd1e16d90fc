export type { Change, ChangedKeyOf, ChangeOf, Operation } from './change.ts';
export { createSubscriptions } from './create-subscriptions.ts';
export type { DeliveryOptions } from './delivery/delivery-options.ts';
export type { BatchHandler, DeliveryContext, Handler } from './delivery/handler.ts';
export type { DeadLetter } from './durable/dead-letters.ts';
export type { DurableSubscriptionInfo } from './durable/durable-subscription-info.ts';
export type { SourceKind } from './log/source-kind.ts';
export type { Mirror, MirrorEvent, MirrorKey, MirrorListener, MirrorOptions } from './mirror/mirror.ts';
export type { Position } from './position.ts';
export type { RelayState } from './relay/relay.ts';
export { type EventFilter, type ServerSentEventsOptions, serverSentEvents } from './server-sent-events.ts';
export type { ChangeFilter } from './source/change-filter.ts';
export type { Subscription, SubscriptionStats } from './subscription.ts';
export type {
  ChangesOptions,
  DeadLetterListOptions,
  DeadLetterSelection,
  FeedStats,
  ForgetOptions,
  SubscribeBatchesOptions,
  SubscribeOptions,
  Subscriptions,
  SubscriptionsOptions,
} from './subscriptions.ts';
