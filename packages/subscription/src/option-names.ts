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

/** The options of each public function, and the kinds of their values. Any other option is refused. */
export const SUBSCRIPTIONS_OPTIONS: OptionNames<SubscriptionsOptions> = {
  store: true,
  connection: true,
  logger: 'object',
  records: 'list',
  retentionMs: 'number',
  partitionSize: 'number',
  source: true,
  replicationConnection: true,
  relay: 'boolean',
};

export const CHANGES_OPTIONS: OptionNames<ChangesOptions> = {
  as: true,
  from: true,
  operations: true,
  keys: true,
  where: true,
  onReset: 'function',
  signal: true,
};

export const SUBSCRIBE_OPTIONS: OptionNames<SubscribeOptions> = {
  ...CHANGES_OPTIONS,
  name: true,
  maxAttempts: 'number',
  onError: 'function',
  concurrency: 'number',
  maxBuffered: 'number',
  handlerTimeoutMs: 'number',
  backoffMs: 'number',
  maxBackoffMs: 'number',
};

export const SUBSCRIBE_BATCHES_OPTIONS: OptionNames<SubscribeBatchesOptions> = {
  ...SUBSCRIBE_OPTIONS,
  batchSize: 'number',
};

export const MIRROR_OPTIONS: OptionNames<MirrorOptions<never>> = {
  as: true,
  onChange: 'function',
  onError: 'function',
  signal: true,
};

export const DEAD_LETTER_SELECTION: OptionNames<DeadLetterSelection> = { positions: 'list' };

export const DEAD_LETTER_LIST_OPTIONS: OptionNames<DeadLetterListOptions> = {
  ...DEAD_LETTER_SELECTION,
  name: true,
  table: true,
  after: 'object',
  limit: 'number',
};

export const FORGET_OPTIONS: OptionNames<ForgetOptions> = { force: 'boolean' };
