import type pg from 'pg';
import { inTransaction } from './transaction.ts';

/** A resource at the revision that its worker read. */
export interface Realized {
  readonly id: string;
  readonly revision: number;
}

/** The heavier of two statuses. */
const PENDING = 800;
const IN_PROGRESS = 600;
const REALIZED = 200;

/**
 * Resources with two status tables, as a careful user of a job queue builds them: the overall row is locked before
 * anything is read or written, sets are locked in key order, and a mark of an older revision changes nothing. Prepared
 * statements, no row security.
 */
export class StatusTables {
  readonly #pool: pg.Pool;
  readonly #prefix: string;
  #count = 0;

  constructor(pool: pg.Pool, prefix: string) {
    this.#pool = pool;
    this.#prefix = prefix;
  }

  async create(): Promise<void> {
    const prefix = this.#prefix;
    await this.#pool.query(`
      create table if not exists ${prefix}_vm (id text primary key, org_id text, name text, region text, cpus int, revision int);
      create table if not exists ${prefix}_overall (id text primary key, revision int, status int);
      create table if not exists ${prefix}_enforcement (id text, point text, revision int, status int, primary key (id, point))`);
  }

  async empty(): Promise<void> {
    await this.#pool.query(`truncate ${this.#prefix}_vm, ${this.#prefix}_overall, ${this.#prefix}_enforcement`);
  }

  /** Writes a new resource, its statuses and its job in one transaction. */
  async persist(addJob: (client: pg.PoolClient, id: string) => Promise<unknown>): Promise<void> {
    const id = `vm-${process.pid}-${this.#count++}`;
    await inTransaction(this.#pool, async (client) => {
      const revision = await this.#lockForIntent(client, id);
      await this.#writeIntent(client, id, revision);
      await addJob(client, id);
    });
  }

  /** Marks resources IN_PROGRESS and then reads them. */
  begin(ids: readonly string[]): Promise<Realized[]> {
    return inTransaction(this.#pool, async (client) => {
      await this.#lock(client, ids);
      const { rows } = await client.query<Realized>({
        name: 'read',
        text: `select id, org_id, name, region, cpus, revision from ${this.#prefix}_vm where id = any($1)`,
        values: [ids],
      });
      await this.#mark(client, rows, IN_PROGRESS);
      return rows;
    });
  }

  /** Marks resources REALIZED at the revisions that were read. `last` runs in the same transaction. */
  async finish(resources: readonly Realized[], last?: (client: pg.PoolClient) => Promise<unknown>): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      await this.#lock(
        client,
        resources.map(({ id }) => id),
      );
      await this.#mark(client, resources, REALIZED);
      await last?.(client);
    });
  }

  async #lockForIntent(client: pg.PoolClient, id: string): Promise<number> {
    const { rows } = await client.query<{ revision: number }>({
      name: 'overall',
      text: `insert into ${this.#prefix}_overall as o values ($1, 1, ${PENDING})
        on conflict (id) do update set revision = o.revision + 1, status = ${PENDING} returning revision`,
      values: [id],
    });
    return rows[0]?.revision ?? 1;
  }

  async #writeIntent(client: pg.PoolClient, id: string, revision: number): Promise<void> {
    await client.query({
      name: 'intent',
      text: `insert into ${this.#prefix}_vm values ($1, 'org', 'a machine', 'us-west-1', 4, $2)
        on conflict (id) do update set name = excluded.name, region = excluded.region, cpus = excluded.cpus, revision = $2`,
      values: [id, revision],
    });
    await client.query({
      name: 'enforcement',
      text: `insert into ${this.#prefix}_enforcement values ($1, 'E1', $2, ${PENDING})
        on conflict (id, point) do update set revision = $2, status = ${PENDING}`,
      values: [id, revision],
    });
  }

  async #lock(client: pg.PoolClient, ids: readonly string[]): Promise<void> {
    await client.query({
      name: 'lock',
      text: `select 1 from ${this.#prefix}_overall where id = any($1) order by id for no key update`,
      values: [ids],
    });
  }

  async #mark(client: pg.PoolClient, resources: readonly Realized[], status: number): Promise<void> {
    const ids = resources.map(({ id }) => id);
    await client.query({
      name: 'mark',
      text: `update ${this.#prefix}_enforcement e set status = $3 from unnest($1::text[], $2::int[]) as m(id, revision)
        where e.id = m.id and e.point = 'E1' and e.revision = m.revision`,
      values: [ids, resources.map(({ revision }) => revision), status],
    });
    await client.query({
      name: 'recompute',
      text: `update ${this.#prefix}_overall o set status = h.status
        from (select id, max(status) as status from ${this.#prefix}_enforcement where id = any($1) group by id) h
        where o.id = h.id and o.status <> h.status`,
      values: [ids],
    });
  }
}
