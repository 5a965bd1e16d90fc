import {
  type AttemptEvent,
  attemptChannel,
  linksTo,
  type SpanDescription,
  SpanKind,
  traced,
} from '@intendant/core/internal';
import type { StatusTables } from '../resource/status-tables.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import type { Outcome } from './reschedule-attempts.ts';

/** The table and point of an attempt. */
interface AttemptPlace {
  readonly tables: StatusTables;
  readonly enforcementPoint: string;
}

/** Runs an attempt within a span, and publishes its result for metrics. Almost free without subscribers. */
export function withTelemetry(
  setting: AttemptPlace,
  attempt: BegunAttempt,
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  return traced(
    () => describeAttempt(setting, attempt),
    () => (attemptChannel.hasSubscribers ? timed(setting, attempt, run) : run()),
    (outcome) => (outcome.kind === 'failed' ? outcome : undefined),
  );
}

/**
 * The attributes follow OpenTelemetry's semantic conventions for messaging: a worker processes the jobs of a point like
 * messages of a queue.
 */
function describeAttempt({ tables, enforcementPoint }: AttemptPlace, attempt: BegunAttempt): SpanDescription {
  const { name } = tables.resource;
  return {
    name: `process ${name}`,
    kind: SpanKind.CONSUMER,
    links: linksTo([attempt.job.traceparent]),
    attributes: {
      'messaging.system': 'intendant',
      'messaging.operation.type': 'process',
      'messaging.operation.name': attempt.action,
      'messaging.destination.name': `${name}@${enforcementPoint}`,
      'messaging.message.id': attempt.job.id,
      'intendant.table': name,
      'intendant.point': enforcementPoint,
      'intendant.revision': attempt.revision,
      'intendant.attempt': attempt.job.retryCount + 1,
    },
  };
}

async function timed(setting: AttemptPlace, attempt: BegunAttempt, run: () => Promise<Outcome>): Promise<Outcome> {
  const startedAt = performance.now();
  const outcome = await run();
  const { action, record, job } = attempt;
  if (action === 'nothing') return outcome;
  const writtenAt = record?.['updatedAt'];
  attemptChannel.publish({
    table: setting.tables.resource.name,
    enforcementPoint: setting.enforcementPoint,
    action,
    outcome: outcome.kind,
    attempt: job.retryCount + 1,
    durationMs: performance.now() - startedAt,
    sinceIntentMs: writtenAt instanceof Date ? Date.now() - writtenAt.getTime() : undefined,
  } satisfies AttemptEvent);
  return outcome;
}
