import { type DataStoreInternals, pause, serviceScope } from '@intendant/core/internal';

const CHECK_INTERVAL_MS = 5;
const LIMIT_MS = 5_000;

const MARK = `select pg_logical_emit_message(true, 'intendant.mark', '')::text as lsn`;
const IS_FILLED = 'select from intendant.change_log_identity where replicated_lsn > $1::pg_lsn';

/**
 * A mark on each node that can be reached. The log must then have reached all of them, and hold back no change of a shard
 * that moves.
 */
const MARKS = `
select coalesce(jsonb_agg(jsonb_build_object('group_id', n.groupid, 'lsn', r.result)), '[]')::text as marks
from pg_catalog.run_command_on_all_nodes($command$${MARK}$command$) r
join pg_catalog.pg_dist_node n on n.nodeid = r.nodeid where r.success`;
const ARE_FILLED = `
select where not exists (select from intendant.held_change) and not exists (
  select from jsonb_to_recordset($1::jsonb) as m (group_id int, lsn pg_lsn)
  join intendant.feed_node f on f.group_id = m.group_id where f.lsn <= m.lsn)`;

/** Writes a mark to the write-ahead log and waits, up to a time limit, until the change log has reached it. */
export async function catchUp({ executor, isDistributed }: DataStoreInternals): Promise<void> {
  const [markText, text] = isDistributed ? [MARKS, ARE_FILLED] : [MARK, IS_FILLED];
  const { mark } = await executor.run(serviceScope, { mark: { text: markText } });
  const reached = mark.rows[0]?.[0] as string;
  const giveUpAt = performance.now() + LIMIT_MS;
  while (performance.now() < giveUpAt) {
    const { filled } = await executor.run(serviceScope, { filled: { text, values: [reached] } });
    if (filled.rowCount === 1) return;
    await pause(CHECK_INTERVAL_MS);
  }
}
