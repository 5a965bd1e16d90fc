import { atScale, isSoak, testDatabase } from '@intendant/devdb/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LOG_CHECK_SQL, SettledTracker } from './settled.ts';

/*
 * Transactions that take their xid early, append, wait, update one of five hot rows, append that, and commit or roll
 * back, beside a reader that follows one of three rules. The checker compares what the reader saw with what committed.
 */
const TRANSACTIONS = atScale(1_000, 100_000);
const WRITERS = 24;

const database = await testDatabase();
const pool = new pg.Pool({ connectionString: database.adminUrl, max: WRITERS + 2 });

beforeAll(async () => {
  await pool.query(`
    create schema intendant;
    create sequence intendant.change_seq;
    create table intendant.change_log (seq bigint primary key default nextval('intendant.change_seq'), xid xid8 not null default pg_current_xact_id(), row_id int not null, version int not null);
    create table hot (id int primary key, version int not null default 0);
    insert into hot (id) select generate_series(1, 5);`);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function writeOnce(random: () => number): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(
      `begin; select pg_current_xact_id(); insert into intendant.change_log (row_id, version) values (0, 0)`,
    );
    await client.query('select pg_sleep($1)', [random() < 0.1 ? random() * 0.02 : 0]);
    await client.query(`with changed as (update hot set version = version + 1 where id = ${1 + Math.floor(random() * 5)} returning id, version)
      insert into intendant.change_log (row_id, version) select id, version from changed`);
    await client.query(random() < 0.15 ? 'rollback' : 'commit');
  } finally {
    client.release();
  }
}

interface Entry {
  readonly seq: string;
  readonly row_id: number;
  readonly version: number;
}

interface Rule {
  /** Checks the log, and reads what is newly settled. */
  read(client: pg.ClientBase): Promise<Entry[]>;
}

const READ = 'select seq, row_id, version from intendant.change_log';

function byHolders(): Rule {
  const tracker = new SettledTracker();
  let position = 0;
  return {
    read: async (client) => {
      const [sequence, holders] = (await client.query(LOG_CHECK_SQL)) as unknown as pg.QueryResult[];
      const settled = tracker.observe({
        noted: Number(sequence?.rows[0].noted),
        holders: new Set(holders?.rows.map(({ holder }) => holder)),
      });
      const { rows } = await client.query<Entry>(`${READ} where seq > $1 and seq <= $2 order by seq`, [
        position,
        settled,
      ]);
      position = settled;
      return rows;
    },
  };
}

function byXmin(): Rule {
  let below = '0';
  return {
    read: async (client) => {
      const { rows } = await client.query<{ xmin: string }>(
        'select pg_snapshot_xmin(pg_current_snapshot())::text as xmin',
      );
      const xmin = rows[0]?.xmin as string;
      const found = await client.query<Entry>(`${READ} where xid >= $1::xid8 and xid < $2::xid8 order by xid, seq`, [
        below,
        xmin,
      ]);
      below = xmin;
      return found.rows;
    },
  };
}

/** The naive rule: each read takes all larger numbers. */
function byNumber(): Rule {
  let position = '0';
  return {
    read: async (client) => {
      const { rows } = await client.query<Entry>(`${READ} where seq > $1 order by seq`, [position]);
      position = rows.at(-1)?.seq ?? position;
      return rows;
    },
  };
}

/** Settled when the snapshot's xmin passes a noted xmax, which a running transaction can be beyond. */
function byXmax(): Rule {
  let position = '0';
  const pending: { noted: string; xmax: bigint }[] = [];
  return {
    read: async (client) => {
      const { rows } = await client.query<{ noted: string; xmin: string; xmax: string }>(
        `select last_value::text as noted, pg_snapshot_xmin(s)::text as xmin, pg_snapshot_xmax(s)::text as xmax
         from intendant.change_seq, pg_current_snapshot() s`,
      );
      const check = rows[0] as { noted: string; xmin: string; xmax: string };
      pending.push({ noted: check.noted, xmax: BigInt(check.xmax) });
      let settled = position;
      while (pending[0] && pending[0].xmax <= BigInt(check.xmin))
        settled = (pending.shift() as { noted: string }).noted;
      const found = await client.query<Entry>(`${READ} where seq > $1 and seq <= $2 order by seq`, [position, settled]);
      position = settled;
      return found.rows;
    },
  };
}

interface Verdict {
  readonly lost: number;
  readonly outOfOrder: number;
}

/** Runs the workload with all rules reading beside it; one reader each, on connections of their own. */
async function judge(rules: readonly Rule[]): Promise<Verdict[]> {
  await pool.query('truncate intendant.change_log; update hot set version = 0');
  let seed = 42;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  let started = 0;
  let isWriting = true;
  const seen = rules.map((): Entry[] => []);
  const readers = rules.map(async (rule, index) => {
    const client = new pg.Client(database.adminUrl);
    await client.connect();
    while (isWriting) seen[index]?.push(...(await rule.read(client)));
    for (let round = 0; round < 3; round++) seen[index]?.push(...(await rule.read(client)));
    await client.end();
  });
  const writers = Array.from({ length: WRITERS }, async () => {
    while (started++ < TRANSACTIONS) await writeOnce(random);
  });
  await Promise.all(writers);
  isWriting = false;
  await Promise.all(readers);
  const { rows: committed } = await pool.query<Entry>(READ);
  return seen.map((entries) => verdict(entries, committed));
}

function verdict(entries: readonly Entry[], committed: readonly Entry[]): Verdict {
  const numbers = new Set(entries.map(({ seq }) => seq));
  const versions = new Map<number, number>();
  let outOfOrder = 0;
  for (const { row_id, version } of entries) {
    if (row_id === 0) continue;
    if (version < (versions.get(row_id) ?? 0)) outOfOrder++;
    versions.set(row_id, version);
  }
  return { lost: committed.filter(({ seq }) => !numbers.has(seq)).length, outOfOrder };
}

test('the holders rule loses nothing and keeps every row in order; the other rules do not', {
  timeout: 900_000,
}, async () => {
  const [holders, xmin, xmax, number] = await judge([byHolders(), byXmin(), byXmax(), byNumber()]);
  if (isSoak) console.log({ transactions: TRANSACTIONS, holders, xmin, xmax, number });
  expect(holders).toEqual({ lost: 0, outOfOrder: 0 });
  expect(xmin?.outOfOrder).toBeGreaterThan(0);
  expect(xmax?.lost).toBeGreaterThan(0);
  expect(number?.lost).toBeGreaterThan(0);
});
