import type { AnyTable, DbRole, RecordOf, Session } from '@intendant/core';
import { type DataStoreInternals, type RegisteredTable, startTimer } from '@intendant/core/internal';
import type { Logger } from 'pino';
import { checkObservation, type Observed } from '../drift/observation.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { errorText } from '../status/details.ts';
import { withTelemetry } from './attempt-telemetry.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import type { Handlers, Intent } from './handler.ts';
import type { Outcome } from './reschedule-attempts.ts';
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts';
import { TerminalError } from './terminal-error.ts';

/**
 * Why an attempt's signal aborts. After the first two the job is handed back or taken over; after the last the attempt
 * has failed.
 */
export class AttemptAborted extends Error {
  override readonly name = 'AttemptAborted';
  readonly reason: 'stopping' | 'newer-revision' | 'lease-lost' | 'timeout';

  constructor(reason: AttemptAborted['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface AttemptSetting {
  readonly store: DataStoreInternals;
  readonly tables: StatusTables;
  readonly handlers: Handlers<AnyTable>;
  readonly enforcementPoint: string;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  readonly abandonAfterMs: number;
  readonly logger: Logger;
  /** Called with the result of `observe`. */
  onObserved(attempt: BegunAttempt, observation: Observed): Promise<void>;
  /** Called if the handler still runs when the time limit is over. */
  onOverrun(attempt: BegunAttempt, message: string): void;
}

/**
 * Runs the handler for one begun attempt until it returns, or until the attempt is abandoned because the handler runs
 * long after its time limit. Never rejects.
 */
export async function runAttempt(
  setting: AttemptSetting,
  attempt: BegunAttempt,
  controller: AbortController,
): Promise<Outcome> {
  if (hasNothingToDo(setting, attempt)) return { kind: 'done' };
  if (isBeyondLimit(setting, attempt)) return attemptsUsedUp(setting);
  return withTelemetry(setting, attempt, () => callWithinTime(setting, attempt, controller));
}

async function callWithinTime(
  setting: AttemptSetting,
  attempt: BegunAttempt,
  controller: AbortController,
): Promise<Outcome> {
  const logger = setting.logger.child(bindings(setting, attempt));
  const timeLimit = watchTime(setting, attempt, controller, logger);
  try {
    await Promise.race([callHandler(setting, attempt, controller.signal, logger), timeLimit.givenUp]);
    return afterReturn(setting, attempt, controller.signal);
  } catch (error) {
    if (attempt.action === 'observe') return afterFailedObservation(setting, attempt, controller.signal, error, logger);
    return afterThrow(setting, attempt, controller.signal, error, logger);
  } finally {
    timeLimit.end();
  }
}

const hasNothingToDo = ({ handlers }: AttemptSetting, { action }: BegunAttempt): boolean =>
  action === 'nothing' || (action === 'observe' && handlers.observe === undefined);

/**
 * If a process ended during an attempt, it reported nothing, and another worker got the attempt. It still counts, so
 * that a handler that crashes its process is not retried for ever.
 */
const isBeyondLimit = ({ retry }: AttemptSetting, { job, action }: BegunAttempt): boolean =>
  action !== 'observe' && job.retryCount >= retry.limit;

const attemptsUsedUp = ({ retry: { limit } }: AttemptSetting): Outcome => ({
  kind: 'failed',
  message: `the worker of the last attempt ended or stopped renewing its lease (attempt ${limit} of ${limit})`,
  retryInMs: null,
});

/** If `observe` fails, nothing is known about the resource: its status does not change before the next round. */
async function afterFailedObservation(
  setting: AttemptSetting,
  attempt: BegunAttempt,
  signal: AbortSignal,
  error: unknown,
  logger: Logger,
): Promise<Outcome> {
  if (signal.aborted && !isTimeout(signal)) return { kind: 'handed-back', retryInMs: 0 };
  logger.warn({ err: error }, 'the resource could not be observed');
  await setting.onObserved(attempt, 'failed').catch(() => undefined);
  return { kind: 'done' };
}

async function callHandler(
  setting: AttemptSetting,
  attempt: BegunAttempt,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  const intent = intentOf(setting.tables.resource, attempt);
  const context = { signal, logger, session: tenantSession(setting, intent) };
  const { realize, unrealize, observe } = setting.handlers;
  if (attempt.action === 'observe')
    return setting.onObserved(attempt, checkObservation(await observe?.(intent, context)));
  await (attempt.action === 'realize' ? realize(intent, context) : unrealize?.(intent, context));
}

/** Aborts an attempt when its time limit is over, and abandons it if it then continues for too long. */
function watchTime(setting: AttemptSetting, attempt: BegunAttempt, controller: AbortController, logger: Logger) {
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  givenUp.catch(() => {});
  const giveUp = (): void => {
    logger.error(
      'the handler continues long after its time limit; it is abandoned, and its further actions are not controlled',
    );
    reject(new Error('the handler was abandoned'));
  };
  const overrun = (): void => {
    const message = timeoutMessage(setting);
    logger.warn(`${message}; it blocks its resource until it returns or is abandoned`);
    controller.abort(new AttemptAborted('timeout', message));
    const isGivenUpSoon = setting.abandonAfterMs <= OVERRUN_GRACE_MS;
    timer = isGivenUpSoon
      ? startTimer(setting.abandonAfterMs, giveUp)
      : startTimer(OVERRUN_GRACE_MS, () => tell(message));
  };
  const tell = (message: string): void => {
    setting.onOverrun(attempt, message);
    timer = startTimer(setting.abandonAfterMs - OVERRUN_GRACE_MS, giveUp);
  };
  let timer = startTimer(setting.timeoutMs, overrun);
  return { givenUp, end: () => timer.cancel() };
}

/** A handler that reacts to its signal returns within this time, and its failure is then recorded once, as that of the attempt. */
const OVERRUN_GRACE_MS = 500;

/** A handler that returned has succeeded, even if its signal was aborted; but not after its time limit. */
function afterReturn(setting: AttemptSetting, attempt: BegunAttempt, signal: AbortSignal): Outcome {
  return isTimeout(signal) && attempt.action !== 'observe'
    ? failed(setting, attempt, timeoutMessage(setting))
    : { kind: 'done' };
}

function afterThrow(
  setting: AttemptSetting,
  attempt: BegunAttempt,
  signal: AbortSignal,
  error: unknown,
  logger: Logger,
): Outcome {
  if (signal.aborted && !isTimeout(signal)) return { kind: 'handed-back', retryInMs: 0 };
  logger.debug({ err: error }, 'the attempt failed');
  if (isTerminal(error))
    return {
      kind: 'failed',
      message: `${errorText(error)} (attempt ${attemptNumber(attempt)}, not to be retried)`,
      retryInMs: null,
      isTerminal: true,
    };
  return failed(setting, attempt, isTimeout(signal) ? timeoutMessage(setting) : errorText(error));
}

/** The thrown value may be any value, even one that throws when it is read. */
function isTerminal(error: unknown): boolean {
  try {
    return error instanceof TerminalError;
  } catch {
    return false;
  }
}

const isTimeout = (signal: AbortSignal): boolean =>
  signal.reason instanceof AttemptAborted && signal.reason.reason === 'timeout';

const timeoutMessage = ({ timeoutMs }: AttemptSetting): string => `the handler took longer than ${timeoutMs} ms`;

function failed({ retry }: AttemptSetting, attempt: BegunAttempt, message: string): Outcome {
  const number = attemptNumber(attempt);
  const limit = Number.isFinite(retry.limit) ? ` of ${retry.limit}` : '';
  return {
    kind: 'failed',
    message: `${message} (attempt ${number}${limit})`,
    retryInMs: retryDelayMs(retry, number),
    attempts: retry.limit,
  };
}

const attemptNumber = ({ job }: BegunAttempt): number => job.retryCount + 1;

function intentOf(table: RegisteredTable, attempt: BegunAttempt): Intent<AnyTable> {
  const identity = Object.fromEntries(
    table.identity.map((column, index) => [column.field, column.format.decode(String(attempt.job.identity[index]))]),
  );
  const key = Object.fromEntries(table.key.map(({ field }) => [field, identity[field]]));
  return {
    record: (attempt.record ?? { ...identity, revision: attempt.revision }) as RecordOf<AnyTable>,
    key: key as Intent<AnyTable>['key'],
    revision: attempt.revision,
    attempt: attemptNumber(attempt),
    orgId: identity.orgId as string | undefined,
    instanceId: identity.instanceId as string | undefined,
  };
}

function tenantSession({ store }: AttemptSetting, { orgId, instanceId }: Intent<AnyTable>): Session {
  return store.sessionFor({ role: tenantRole(orgId, store.hasInstancer ? instanceId : undefined), orgId, instanceId });
}

function tenantRole(orgId: string | undefined, instanceId: string | undefined): DbRole {
  if (orgId === undefined) return instanceId === undefined ? 'writer' : 'instance_writer';
  return instanceId === undefined ? 'tenant_writer' : 'tenant_instance_writer';
}

const bindings = ({ tables }: AttemptSetting, attempt: BegunAttempt) => ({
  table: tables.resource.name,
  identity: attempt.job.identity,
  revision: attempt.revision,
  attempt: attemptNumber(attempt),
  action: attempt.action,
});
