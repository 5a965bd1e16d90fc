import { serverProcessId } from '@intendant/core/internal';
import type pg from 'pg';
import type { Logger } from 'pino';
import { TRIMMED_BY_GAP } from '../log/announce-schema.ts';
import type { ChangeStream, LogStore } from './change-stream.ts';
import { JSON_COLUMNS, LOG_COLUMNS, LOG_VALUES } from './log-row.ts';
import { openSlot, type StoredPlace } from './slot.ts';
import { whileReporting } from './slot-wait.ts';

export interface OwnStreamOptions {
  /** Connection options of a login with the REPLICATION attribute that owns the log. */
  readonly connection: pg.ClientConfig;
  readonly logger: Logger;
  /** Called repeatedly while the slot cannot be created, with a description of the transactions that it waits for. */
  readonly onWaiting: (blockers: string) => void;
}

/** The changes of the server that has the log. */
export const ownStream = (options: OwnStreamOptions): ChangeStream => ({
  connection: options.connection,
  openSlot: (log) =>
    whileReporting({ ...options, pid: serverProcessId(log) ?? 0 }, () =>
      openSlot(log, placeInLog(log), options.logger),
    ),
  storeIn,
  readCommit: (occurredAt) => ({ occurred_at: occurredAt }),
});

const APPEND = `
insert into intendant.change_log (${LOG_COLUMNS})
select ${LOG_VALUES} from jsonb_to_recordset($1::jsonb) r(${JSON_COLUMNS})`;

const MOVE = `
update intendant.change_log_identity set replicated_lsn = $2::pg_lsn where replicated_lsn is not distinct from $1::pg_lsn`;

const storeIn = (log: pg.Client): LogStore => ({
  append: async (rows) => {
    await log.query({ name: 'fill-log', text: APPEND, values: [rows] });
  },
  movePosition: async (from, to) => {
    const { rowCount } = await log.query({ name: 'move-lsn', text: MOVE, values: [from, to] });
    return rowCount === 1;
  },
});

const placeInLog = (log: pg.Client): StoredPlace => ({
  read: async () => {
    const { rows } = await log.query<{ lsn: string | null }>(
      'select replicated_lsn::text as lsn from intendant.change_log_identity',
    );
    return rows[0]?.lsn ?? null;
  },
  begin: async (lsn, isGap) => {
    await log.query(
      `update intendant.change_log_identity
       set replicated_lsn = $1::pg_lsn, trimmed_seq = case when $2 then ${TRIMMED_BY_GAP} else trimmed_seq end`,
      [lsn, isGap],
    );
  },
});
