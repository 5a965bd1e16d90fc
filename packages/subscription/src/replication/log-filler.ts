import type pg from 'pg';
import type { CommittedRow, Filler } from './change-stream.ts';

const APPEND = `
insert into intendant.change_log (table_name, operation, key, org_id, instance_id, revision, record, occurred_at)
select table_name, operation::"char", key, org_id, instance_id, revision, record, occurred_at
from jsonb_to_recordset($1::jsonb) r(table_name text, operation text, key text[], org_id text, instance_id text,
  revision bigint, record jsonb, occurred_at timestamptz)`;

/**
 * The changes and their place in the stream are stored in one transaction. It fails if another process has filled the
 * log meanwhile.
 */
const MOVE = `
update intendant.change_log_identity set replicated_lsn = $2::pg_lsn where replicated_lsn is not distinct from $1::pg_lsn`;

/** Appends the changes of a stream of committed transactions, several of them in one transaction. */
export class LogFiller implements Filler {
  readonly #client: pg.ClientBase;
  #lsn: string;
  #isOpen = false;

  /** `lsn`: the position up to which the log was filled. */
  constructor(client: pg.ClientBase, lsn: string) {
    this.#client = client;
    this.#lsn = lsn;
  }

  async append(rows: readonly CommittedRow[]): Promise<void> {
    if (!this.#isOpen) await this.#client.query('begin');
    this.#isOpen = true;
    if (rows.length > 0) await this.#client.query({ name: 'fill-log', text: APPEND, values: [JSON.stringify(rows)] });
  }

  async commit(rows: readonly CommittedRow[], lsn: string): Promise<void> {
    await this.append(rows);
    const { rowCount } = await this.#client.query({ name: 'move-lsn', text: MOVE, values: [this.#lsn, lsn] });
    if (rowCount !== 1) throw new Error('another process fills the log');
    await this.#client.query('commit');
    this.#isOpen = false;
    this.#lsn = lsn;
  }
}
