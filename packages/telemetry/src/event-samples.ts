import { type AttemptEvent, attemptChannel, type DeliveryEvent, deliveryChannel } from '@intendant/core/internal';
import type { CounterName, HistogramName, Sample } from './metric.ts';

export interface EventListener {
  onCount(sample: Sample<CounterName>): void;
  onDuration(sample: Sample<HistogramName>): void;
}

/** Receives the attempts and deliveries of this process until the returned function is called. */
export function listenToEvents({ onCount, onDuration }: EventListener): () => void {
  const onAttempt = (message: unknown): void => {
    const {
      table,
      enforcementPoint: point,
      action,
      outcome,
      attempt,
      durationMs,
      sinceIntentMs,
    } = message as AttemptEvent;
    onCount({ metric: 'attempts', labels: [table, point, action, outcome], value: 1 });
    if (attempt > 1) onCount({ metric: 'retries', labels: [table, point], value: 1 });
    onDuration({ metric: 'attemptDuration', labels: [table, point, outcome], value: durationMs / 1000 });
    if (action === 'realize' && outcome === 'done' && sinceIntentMs !== undefined)
      onDuration({ metric: 'realizeLatency', labels: [table, point], value: Math.max(0, sinceIntentMs) / 1000 });
  };
  const onDelivery = (message: unknown): void => {
    const { table, subscription = '', outcome, durationMs } = message as DeliveryEvent;
    onCount({ metric: 'deliveries', labels: [table, subscription, outcome], value: 1 });
    onDuration({ metric: 'deliveryDuration', labels: [table, subscription, outcome], value: durationMs / 1000 });
  };
  attemptChannel.subscribe(onAttempt);
  deliveryChannel.subscribe(onDelivery);
  return () => {
    attemptChannel.unsubscribe(onAttempt);
    deliveryChannel.unsubscribe(onDelivery);
  };
}
