import type pg from 'pg';

/**
 * How a leader is elected. The leader holds an advisory lock on its connection, so leadership ends with the connection.
 * The id of its server process is stored together with the lock's key. Any role may take an advisory lock, so the key
 * is random and can be replaced: if a process other than the stored one holds the lock, a relay stores a new key and
 * takes that lock.
 *
 * Both are read from the row that is being updated and from the current locks. So of two relays one stores its process
 * or key, and the other finds that its key is no longer valid.
 */
const IS_LED = `exists (
  select from pg_locks k where k.locktype = 'advisory' and k.objsubid = 1 and k.granted and k.pid = l.pid
    and (k.classid::bigint << 32) + k.objid::bigint = l.key
    and k.database = (select oid from pg_database where datname = current_database()))`;

const TRY_LOCK = 'select l.key, pg_try_advisory_lock(l.key) as "isTaken" from intendant.relay_leader l';
const BECOME = 'update intendant.relay_leader l set pid = pg_backend_pid() where l.key = $1';
const CHANGE_KEY = `update intendant.relay_leader l set key = floor(random() * 9e15)::bigint where l.key = $1 and not ${IS_LED}`;

/**
 * Becomes the leader if there is none. With `mayChangeKey`, it replaces the key if a process that does not lead holds
 * the lock. Returns whether it leads now.
 */
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
