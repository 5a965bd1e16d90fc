import {
  type DeliveryEvent,
  deliveryChannel,
  isTraced,
  linksTo,
  type SpanDescription,
  SpanKind,
  traced,
} from '@intendant/core/internal';
import type { Change } from '../change.ts';

/** The subscription that a call belongs to. */
export interface CallSubject {
  readonly table: string;
  /** Undefined for a subscription without a durable name. */
  readonly name: string | undefined;
}

/**
 * Calls a handler within a span, and publishes the result of the call for metrics. Without tracing and metrics it only
 * calls the handler. `traces` returns the traces that the changes were written in.
 */
export function withTelemetry(
  subject: CallSubject,
  changes: readonly Change[],
  attempt: number,
  traces: () => readonly unknown[],
  call: () => unknown,
): unknown {
  const isCounted = deliveryChannel.hasSubscribers;
  if (!isCounted && !isTraced()) return call();
  const run = async () => call();
  return traced(
    () => ({ ...describeCall(subject, changes, attempt), links: linksTo(traces()) }),
    () => (isCounted ? timed(subject, changes, run) : run()),
  );
}

/** The attributes follow OpenTelemetry's semantic conventions for messaging. */
function describeCall({ table, name }: CallSubject, changes: readonly Change[], attempt: number): SpanDescription {
  const [first] = changes;
  return {
    name: `process ${table}`,
    kind: SpanKind.CONSUMER,
    attributes: {
      'messaging.system': 'intendant',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'deliver',
      'messaging.destination.name': table,
      'intendant.attempt': attempt,
      ...(name !== undefined && { 'messaging.consumer.group.name': name }),
      ...(first !== undefined && { 'messaging.message.id': first.position }),
      ...(changes.length > 1 && { 'messaging.batch.message_count': changes.length }),
    },
  };
}

async function timed(
  { table, name: subscription }: CallSubject,
  changes: readonly Change[],
  run: () => Promise<unknown>,
): Promise<unknown> {
  const startedAt = performance.now();
  const publish = (outcome: DeliveryEvent['outcome']) =>
    deliveryChannel.publish({
      table,
      subscription,
      outcome,
      changes: changes.length,
      durationMs: performance.now() - startedAt,
    } satisfies DeliveryEvent);
  try {
    const result = await run();
    publish('done');
    return result;
  } catch (error) {
    publish('failed');
    throw error;
  }
}
