import type pg from 'pg';
import type { LogRow } from './log-row.ts';
import type { OpenSlot } from './slot.ts';

/** When a change was committed: `occurred_at`, and for a stream of one of several nodes the position of the commit. */
export interface Commit {
  readonly occurred_at: string;
  readonly lsn?: string;
}

export type CommittedRow = LogRow & Commit;

/** Appends the changes of one stream to the log, and stores the position up to which the log has them. */
export interface Filler {
  /** Appends in a transaction that stays open: a large transaction is appended in parts. */
  append(rows: readonly CommittedRow[]): Promise<void>;
  /** Appends these and commits everything up to this position of the stream. Rejects if another process has filled the log. */
  commit(rows: readonly CommittedRow[], lsn: string): Promise<void>;
}

/** A server's stream of committed changes, and how it gets into the log. */
export interface ChangeStream {
  /** Connection options of a login with the REPLICATION attribute, on the server whose changes are streamed. */
  readonly connection: pg.ClientConfig;
  /** Finds or creates the slot. The client is connected to the server that has the log. */
  openSlot(log: pg.Client): Promise<OpenSlot>;
  /** Continues to fill the log from this position of the stream. */
  fill(log: pg.Client, lsn: string): Filler;
  /** What is stored of a commit with its changes. */
  readCommit(occurredAt: string, lsn: string): Commit;
  /** Called when the log has all changes up to this position. */
  reached?(lsn: string): void;
}
