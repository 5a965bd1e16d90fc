import { createDataStore, type Session } from '@intendant/core';
import { createSubscriptions, type Subscription, type Subscriptions } from '@intendant/subscription';
import pg from 'pg';
import type { Contestant, ContestantOptions, Measurement, Workload } from '../contestant/contestant.ts';
import { megabytesInUse } from '../contestant/heap.ts';
import { idleCpu } from '../contestant/idle.ts';
import { figureOf, measured } from '../contestant/load.ts';
import { benchTable, orgOf, ROLE_MAPPING, TENANT_ROLES } from '../database/bench-table.ts';
import { insertMachines } from './feed/insert-machines.ts';
import { latencyFigure, type Probe } from './feed/latency.ts';

type BenchTable = ReturnType<typeof benchTable>;

/** Ours: the relay and a subscriber of one table, in a process that does not write. */
export async function open({ url, adminUrl, tables: [name = ''] }: ContestantOptions): Promise<Contestant> {
  const table = benchTable(name);
  const store = await createDataStore({ connection: url, adminConnection: adminUrl });
  await store.register([table], { roles: ROLE_MAPPING });
  const subscriptions = await createSubscriptions({ store });
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  const subscriber = new Subscriber(table, subscriptions, store.as({ orgId: orgOf(0), roles: TENANT_ROLES }), admin);
  await subscriber.open();
  return {
    run: (workload) => subscriber.run(workload),
    close: async () => {
      await subscriptions.close();
      await store.close();
      await admin.end();
    },
  };
}

class Subscriber {
  readonly #table: BenchTable;
  readonly #subscriptions: Subscriptions;
  readonly #session: Session;
  readonly #admin: pg.Client;
  readonly #heard = new Map<string, () => void>();
  readonly #further: Subscription[] = [];
  #first!: Subscription;
  #count = 0;

  constructor(table: BenchTable, subscriptions: Subscriptions, session: Session, admin: pg.Client) {
    this.#table = table;
    this.#subscriptions = subscriptions;
    this.#session = session;
    this.#admin = admin;
  }

  async open(): Promise<void> {
    this.#first = await this.#subscriptions.subscribe(this.#table, async ({ key }) => {
      this.#count++;
      this.#heard.get(String(key['id']))?.();
    });
  }

  async run(workload: Workload): Promise<Measurement> {
    switch (workload.operation) {
      case 'latency':
      case 'latency-p99':
        return latencyFigure(workload, this.#probe, () => [this.#count, this.#subscriptions.stats()]);
      case 'subscribe':
        return this.#subscribe(workload.size);
      case 'unsubscribe':
        return this.#unsubscribe();
      case 'silence':
        await this.#first.close();
        return figureOf(0);
      case 'backlog':
        return this.#backlog(workload);
      case 'memory':
        await this.#deliver(workload);
        return figureOf(megabytesInUse());
      case 'idle':
        return idleCpu(workload.durationMs);
      default:
        throw new Error(`there is no operation ${workload.operation}`);
    }
  }

  readonly #probe: Probe = async (id) => {
    const arrival = new Promise<number>((resolve) => this.#heard.set(id, () => resolve(performance.now())));
    await this.#session.insert(this.#table, { id, name: 'a machine', region: 'us-west-1', cpus: 4 });
    const arrivedAt = await arrival;
    this.#heard.delete(id);
    return arrivedAt;
  };

  async #subscribe(size: number): Promise<Measurement> {
    while (this.#further.length < size)
      this.#further.push(await this.#subscriptions.subscribe(this.#table, async () => {}));
    return figureOf(size);
  }

  async #unsubscribe(): Promise<Measurement> {
    const closing = this.#further.splice(0);
    await Promise.all(closing.map((subscription) => subscription.close()));
    return figureOf(closing.length);
  }

  /** Changes per second for a subscriber that begins before all of them, when all are settled. */
  async #backlog(workload: Workload): Promise<Measurement> {
    const from = this.#first.position;
    await this.#deliver(workload);
    const all = Promise.withResolvers<void>();
    let delivered = 0;
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    const subscription = await this.#subscriptions.subscribe(
      this.#table,
      async () => {
        if (++delivered === workload.size) all.resolve();
      },
      { from },
    );
    await all.promise;
    const measurement = measured(workload.size, startedAt, cpu);
    await subscription.close();
    return measurement;
  }

  /** Makes this many changes, and waits until the first subscriber has received them. */
  async #deliver({ table, size }: Workload): Promise<void> {
    const wanted = this.#count + size;
    await insertMachines(this.#admin, table, size);
    while (this.#count < wanted) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
