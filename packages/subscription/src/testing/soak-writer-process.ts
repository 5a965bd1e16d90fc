/**
 * Writes until it is killed: transactions that change some of a few hot rows and record it in `history`, sometimes
 * wait, and sometimes roll back to a savepoint or completely.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

const { ADMIN_DATABASE = '' } = process.env;
const ROWS = 20;
const CONNECTIONS = 4;

const change = async (client: pg.ClientBase, isUndone: boolean): Promise<void> => {
  const id = `A${Math.floor(Math.random() * ROWS)}`;
  const stamp = randomUUID();
  if (isUndone) await client.query('savepoint undone');
  await client.query(
    `with changed as (
       insert into account (org_id, id, version, stamp) values ('Coke', $1, 1, $2)
       on conflict (org_id, id) do update set version = account.version + 1, stamp = excluded.stamp
       returning id, version, stamp
     )
     insert into history select * from changed`,
    [id, stamp],
  );
  if (isUndone) await client.query('rollback to undone');
};

async function writeOnce(client: pg.ClientBase): Promise<void> {
  await client.query('begin');
  await change(client, Math.random() < 0.1);
  if (Math.random() < 0.2) await delay(Math.random() * 30);
  if (Math.random() < 0.1) await change(client, false);
  await client.query(Math.random() < 0.1 ? 'rollback' : 'commit');
}

async function write(): Promise<void> {
  for (;;) {
    const client = new pg.Client({
      connectionString: ADMIN_DATABASE,
      application_name: 'soak writer',
      connectionTimeoutMillis: 2_000,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      for (;;) await writeOnce(client);
    } catch {
      await client.end().catch(() => {});
      await delay(100);
    }
  }
}

for (let connection = 0; connection < CONNECTIONS; connection++) void write();
process.on('disconnect', () => process.exit(0));
