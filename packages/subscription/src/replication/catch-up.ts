import { setTimeout as delay } from 'node:timers/promises';
import type { DataStoreInternals } from '@intendant/core/internal';

const LOOK_EVERY_MS = 5;
const PATIENCE_MS = 5_000;

/** Puts a mark into the write-ahead log and waits until the log is filled up to it; not for ever, if nobody fills it. */
export async function catchUp({ pool }: DataStoreInternals): Promise<void> {
  const { rows } = await pool.query<{ lsn: string }>(
    `select pg_logical_emit_message(true, 'intendant.mark', '')::text as lsn`,
  );
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (performance.now() < giveUpAt) {
    const { rowCount } = await pool.query(
      'select from intendant.change_log_identity where replicated_lsn > $1::pg_lsn',
      [rows[0]?.lsn],
    );
    if (rowCount === 1) return;
    await delay(LOOK_EVERY_MS);
  }
}
