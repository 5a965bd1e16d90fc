import type pg from 'pg';
import type { LogRow } from './log-row.ts';
import type { OpenSlot } from './slot.ts';

/** When a change was committed: `occurred_at`, and for a stream of one of several nodes the position of the commit. */
export interface Commit {
  readonly occurred_at: string;
  readonly lsn?: string;
}

export type CommittedRow = LogRow & Commit;

/** Where the changes of one stream, and the position up to which the log has them, are stored: in one transaction. */
export interface LogStore {
  /** `rows` is a JSON array of committed rows. */
  append(rows: string): Promise<void>;
  /** Returns false if the position was not the expected one, because another process has filled the log meanwhile. */
  movePosition(from: string, to: string): Promise<boolean>;
}

/** A server's stream of committed changes, and how it gets into the log. */
export interface ChangeStream {
  /** Connection options of a login with the REPLICATION attribute, on the server whose changes are streamed. */
  readonly connection: pg.ClientConfig;
  /** Finds or creates the slot. The client is connected to the server that has the log. */
  openSlot(log: pg.Client): Promise<OpenSlot>;
  /** Where the changes are stored, on a connection to the server that has the log. */
  storeIn(log: pg.Client): LogStore;
  /** What is stored of a commit with its changes. */
  readCommit(occurredAt: string, lsn: string): Commit;
  /** Called when the log has all changes up to this position. */
  reached?(lsn: string): void;
}
