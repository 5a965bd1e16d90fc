import type pg from 'pg';

/*
 * Who leads. The leader holds an advisory lock on its connection, so that leadership ends with the connection, and its server
 * process is stored beside the lock's key. Any role may take an advisory lock, so the key is random and can be changed: if
 * the lock is held by another process than the stored one, a relay stores a new key and takes that.
 *
 * Both are read from the row that is being updated and from the present locks, so of two relays one stores its process or
 * key, and the other finds that its key no longer counts.
 */
const IS_LED = `exists (
  select from pg_locks k where k.locktype = 'advisory' and k.objsubid = 1 and k.granted and k.pid = l.pid
    and (k.classid::bigint << 32) + k.objid::bigint = l.key
    and k.database = (select oid from pg_database where datname = current_database()))`;

const TRY_LOCK = 'select l.key, pg_try_advisory_lock(l.key) as "isTaken" from intendant.relay_leader l';
const BECOME = 'update intendant.relay_leader l set pid = pg_backend_pid() where l.key = $1';
const CHANGE_KEY = `update intendant.relay_leader l set key = floor(random() * 9e15)::bigint where l.key = $1 and not ${IS_LED}`;

/** Becomes the leader if there is none. If `mayChangeKey`, a lock that another process than a leader holds is left to it. Returns whether it leads now. */
export async function claimLeadership(client: pg.ClientBase, mayChangeKey: boolean): Promise<boolean> {
  const { rows } = await client.query<{ key: string; isTaken: boolean }>(TRY_LOCK);
  const [{ key, isTaken }] = rows as [(typeof rows)[number]];
  if (isTaken) return become(client, key);
  if (!mayChangeKey) return false;
  const changed = await client.query(CHANGE_KEY, [key]);
  return changed.rowCount === 1 && claimLeadership(client, false);
}

async function become(client: pg.ClientBase, key: string): Promise<boolean> {
  const { rowCount } = await client.query(BECOME, [key]);
  if (rowCount === 0) await client.query('select pg_advisory_unlock($1)', [key]);
  return rowCount === 1;
}
