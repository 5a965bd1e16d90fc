import { OperationCancelledError, RecordNotFoundError } from '@intendant/core';
import { describeKey, type Executor, type Scope } from '@intendant/core/internal';
import { Bell } from './bell.ts';
import { readOverallStatus, type StatusRecord } from './status/read-status.ts';
import type { Status } from './status/status.ts';
import type { StatusTables } from './status/status-tables.ts';

export interface WaitOptions {
  /** The overall status to wait for, or several of which any will do. */
  readonly status: Status | readonly Status[];
  /** Of this revision or a later one. Default: whichever is current. */
  readonly revision?: number;
  /** Default: no limit. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A look without a push: one long transaction somewhere holds the whole feed back, and should not hold this back too. */
const LOOK_AGAIN_MS = 2000;

/** Looks at once, and again whenever `watch` says that something changed. */
export async function waitForStatus(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  key: unknown,
  options: WaitOptions,
  watch: (wake: () => void) => Promise<() => void>,
): Promise<Status> {
  const bell = new Bell();
  const signal = deadline(options);
  const ring = (): void => bell.ring();
  signal?.addEventListener('abort', ring);
  const unwatch = await watch(ring);
  try {
    for (let last: Status | 'nothing' = 'nothing'; ; ) {
      const found = await look(executor, scope, tables, key);
      if (found && isWanted(found, options)) return found.status;
      last = found?.status ?? 'nothing';
      if (signal?.aborted) throw gaveUp(tables, key, options, last, signal);
      await bell.wait(LOOK_AGAIN_MS);
    }
  } finally {
    signal?.removeEventListener('abort', ring);
    unwatch();
  }
}

function deadline({ timeoutMs, signal }: WaitOptions): AbortSignal | undefined {
  if (timeoutMs === undefined) return signal;
  const limit = AbortSignal.timeout(timeoutMs);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

async function look(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  key: unknown,
): Promise<StatusRecord | undefined> {
  try {
    return await readOverallStatus(executor, scope, tables, key);
  } catch (error) {
    if (error instanceof RecordNotFoundError) return undefined;
    throw error;
  }
}

const isWanted = ({ status, revision }: StatusRecord, wanted: WaitOptions): boolean =>
  [wanted.status].flat().includes(status) && revision >= (wanted.revision ?? 0);

function gaveUp(
  tables: StatusTables,
  key: unknown,
  { status }: WaitOptions,
  last: string,
  signal: AbortSignal,
): OperationCancelledError {
  const subject = `${tables.resource.name} ${JSON.stringify(describeKey(tables.resource, key))}`;
  return new OperationCancelledError(
    `waiting for ${subject} to be ${[status].flat().join(' or ')} ended: it is ${last}`,
    {
      details: { table: tables.resource.name, key: describeKey(tables.resource, key), status: last },
      cause: signal.reason,
    },
  );
}
