import type { Bench } from '../bench.ts';
import { CHANNEL } from '../peers/listen-notify.ts';

/**
 * Tables that differ in how their changes are announced: by our feed, by a row trigger's NOTIFY, by logical
 * replication, or not at all.
 */
export const FEED_TABLE = 'feed_ours';
export const NOTIFY_TABLE = 'feed_notify';
export const REPLICATED_TABLE = 'feed_replicated';
export const SILENT_TABLE = 'feed_none';

const ALL = [FEED_TABLE, NOTIFY_TABLE, REPLICATED_TABLE, SILENT_TABLE];

export async function makeFeedTables({ database }: Bench): Promise<void> {
  for (const name of ALL) await database.addTable(name, 100, 1);
  await database.admin((client) =>
    client.query(`
      create or replace function feed_notify() returns trigger language plpgsql as $function$
      begin
        perform pg_notify('${CHANNEL}', new.id);
        return null;
      end
      $function$;
      create or replace trigger feed_notify after insert or update on ${NOTIFY_TABLE}
        for each row execute function feed_notify()`),
  );
}
