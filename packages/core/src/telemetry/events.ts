import { channel } from 'node:diagnostics_channel';

/** The result of one attempt of a worker. */
export interface AttemptEvent {
  readonly table: string;
  readonly enforcementPoint: string;
  readonly action: 'realize' | 'unrealize' | 'observe';
  /** `handed-back`: the worker stopped, or the revision was outdated; another attempt follows. */
  readonly outcome: 'done' | 'failed' | 'handed-back';
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly durationMs: number;
  /** Time from the write of the intent's record to the end of the attempt; undefined if the record no longer exists. */
  readonly sinceIntentMs: number | undefined;
}

/** The result of one call of a subscriber's handler. */
export interface DeliveryEvent {
  readonly table: string;
  /** Undefined for a subscription without a durable name. */
  readonly subscription: string | undefined;
  readonly outcome: 'done' | 'failed';
  readonly changes: number;
  readonly durationMs: number;
}

/** Diagnostics channels for metrics. Without a subscriber no event is built or published. */
export const attemptChannel = channel('intendant:attempt');
export const deliveryChannel = channel('intendant:delivery');
