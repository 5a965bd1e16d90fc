import type pg from 'pg';
import type { CommittedRow, LogStore } from './change-stream.ts';

/** Appends the changes of a stream of committed transactions, several of them in one transaction. */
export class LogFiller {
  readonly #client: pg.ClientBase;
  readonly #store: LogStore;
  #lsn: string;
  #isOpen = false;

  /** `lsn`: the position up to which the log was filled. `store` uses the same client. */
  constructor(client: pg.ClientBase, store: LogStore, lsn: string) {
    this.#client = client;
    this.#store = store;
    this.#lsn = lsn;
  }

  /** Appends in a transaction that stays open: a large transaction is appended in parts. */
  async append(rows: readonly CommittedRow[]): Promise<void> {
    if (!this.#isOpen) await this.#client.query('begin');
    this.#isOpen = true;
    if (rows.length > 0) await this.#store.append(JSON.stringify(rows));
  }

  /** Appends these and commits everything up to this position of the stream. Rejects if another process has filled the log. */
  async commit(rows: readonly CommittedRow[], lsn: string): Promise<void> {
    await this.append(rows);
    if (!(await this.#store.movePosition(this.#lsn, lsn))) throw new Error('another process fills the log');
    await this.#client.query('commit');
    this.#isOpen = false;
    this.#lsn = lsn;
  }
}
