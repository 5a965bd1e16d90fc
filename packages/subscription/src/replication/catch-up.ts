import { type DataStoreInternals, pause, serviceScope } from '@intendant/core/internal';

const CHECK_INTERVAL_MS = 5;
const LIMIT_MS = 5_000;

const MARK = `select pg_logical_emit_message(true, 'intendant.mark', '')::text as lsn`;
const IS_FILLED = 'select from intendant.change_log_identity where replicated_lsn > $1::pg_lsn';

/** Writes a mark to the write-ahead log and waits, up to a time limit, until the change log has reached it. */
export async function catchUp({ executor }: DataStoreInternals): Promise<void> {
  const { mark } = await executor.run(serviceScope, { mark: { text: MARK } });
  const lsn = mark.rows[0]?.[0] as string;
  const giveUpAt = performance.now() + LIMIT_MS;
  while (performance.now() < giveUpAt) {
    const { filled } = await executor.run(serviceScope, { filled: { text: IS_FILLED, values: [lsn] } });
    if (filled.rowCount === 1) return;
    await pause(CHECK_INTERVAL_MS);
  }
}
