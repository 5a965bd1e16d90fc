import { InvalidRecordError, OperationCancelledError, RecordNotFoundError } from '@intendant/core';
import { checkOptions, describeKey, type Executor, readRevision, type Scope } from '@intendant/core/internal';
import type { ChangeFeed } from '../background/change-feed.ts';
import type { ChangedRow } from '../background/changed-row.ts';
import { type WaitLimit, waitForValue } from '../background/wait-for-value.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { isAboutKey } from './changed-key.ts';
import { readOverallStatus, type StatusRecord } from './read-status.ts';
import { STATUSES, type Status } from './status.ts';

/** Options of `waitFor`. */
export interface WaitOptions extends WaitLimit {
  /** The overall status to wait for, or several, any of which ends the wait. */
  readonly status: Status | readonly Status[];
  /** The revision that must have the status, or a later one. Default: the current one. */
  readonly revision?: number;
}

/** Reads the status immediately, and again when the feed reports a change that may have led to the wanted one. */
export async function waitForStatus(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  key: unknown,
  options: WaitOptions,
  feed: ChangeFeed,
): Promise<Status> {
  checkWait(tables, options);
  let last: Status | 'nothing' = 'nothing';
  const isThere = async (): Promise<Status | undefined> => {
    const found = await readStatus(executor, scope, tables, key);
    last = found?.status ?? 'nothing';
    return found && isWanted(found, options) ? found.status : undefined;
  };
  const isAbout = isAboutKey(tables.overall, key);
  const watch = (wake: () => void) =>
    feed.watch([tables.overall.name], (change) => {
      if (isAbout(change?.key) && mayBeWanted(change, options)) wake();
    });
  return waitForValue(isThere, watch, options, (reason) => cancelledError(tables, key, options, last, reason));
}

function checkWait(tables: StatusTables, options: WaitOptions): void {
  if (options?.status === undefined)
    throw new InvalidRecordError("waitFor: give the status to wait for, as { status: 'REALIZED' }");
  checkOptions<WaitOptions>('waitFor', options, { status: true, revision: true, timeoutMs: true, signal: true });
  const { status, revision } = options;
  readRevision(tables.resource, revision);
  const wrong = [status].flat().find((wanted) => !STATUSES.includes(wanted as Status));
  if (wrong === undefined) return;
  throw new InvalidRecordError(
    `waitFor: ${describeStatus(wrong)} is not a status; expected one of ${STATUSES.join(', ')}`,
  );
}

const describeStatus = (wrong: unknown): string =>
  typeof wrong === 'string' ? JSON.stringify(wrong) : `a value of type ${typeof wrong}`;

async function readStatus(
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

/** Unknown if the change does not contain the row. */
const mayBeWanted = (change: ChangedRow | undefined, wanted: WaitOptions): boolean => {
  const status = change?.record?.['status'];
  return status === undefined || [wanted.status].flat().some((one) => one === status);
};

const isWanted = ({ status, revision }: StatusRecord, wanted: WaitOptions): boolean =>
  [wanted.status].flat().includes(status) && revision >= (wanted.revision ?? 0);

function cancelledError(
  tables: StatusTables,
  key: unknown,
  { status }: WaitOptions,
  last: string,
  reason: unknown,
): OperationCancelledError {
  const subject = `${tables.resource.name} ${JSON.stringify(describeKey(tables.resource, key))}`;
  return new OperationCancelledError(
    `waiting for ${subject} to be ${[status].flat().join(' or ')} ended: it is ${last}`,
    {
      details: { table: tables.resource.name, key: describeKey(tables.resource, key), status: last },
      cause: reason,
    },
  );
}
