import type { OptionNames } from '@intendant/core/internal';
import type { MirrorOptions } from './mirror/mirror.ts';
import type {
  ChangesOptions,
  DeadLetterListOptions,
  DeadLetterSelection,
  ForgetOptions,
  SubscribeBatchesOptions,
  SubscribeOptions,
  SubscriptionsOptions,
} from './subscriptions.ts';

/** The options of each public function. Any other option is refused. */
export const SUBSCRIPTIONS_OPTIONS: OptionNames<SubscriptionsOptions> = {
  store: true,
  connection: true,
  logger: true,
  records: true,
  retentionMs: true,
  partitionSize: true,
  source: true,
  replicationConnection: true,
  relay: true,
};

export const CHANGES_OPTIONS: OptionNames<ChangesOptions> = {
  as: true,
  from: true,
  operations: true,
  keys: true,
  where: true,
  onReset: true,
  signal: true,
};

export const SUBSCRIBE_OPTIONS: OptionNames<SubscribeOptions> = {
  ...CHANGES_OPTIONS,
  name: true,
  maxAttempts: true,
  onError: true,
  concurrency: true,
  maxBuffered: true,
  handlerTimeoutMs: true,
  backoffMs: true,
  maxBackoffMs: true,
};

export const SUBSCRIBE_BATCHES_OPTIONS: OptionNames<SubscribeBatchesOptions> = {
  ...SUBSCRIBE_OPTIONS,
  batchSize: true,
};

export const MIRROR_OPTIONS: OptionNames<MirrorOptions<never>> = { as: true, onChange: true, signal: true };

export const DEAD_LETTER_SELECTION: OptionNames<DeadLetterSelection> = { positions: true };

export const DEAD_LETTER_LIST_OPTIONS: OptionNames<DeadLetterListOptions> = {
  ...DEAD_LETTER_SELECTION,
  name: true,
  table: true,
  after: true,
  limit: true,
};

export const FORGET_OPTIONS: OptionNames<ForgetOptions> = { force: true };
