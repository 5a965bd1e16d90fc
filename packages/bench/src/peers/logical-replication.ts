import pg from 'pg';
import { LogicalReplicationService, PgoutputPlugin } from 'pg-logical-replication';
import type { Contestant, ContestantOptions, Measurement, Workload } from '../contestant/contestant.ts';
import { figureOf, measured } from '../contestant/load.ts';
import { insertMachines } from './feed/insert-machines.ts';

const PUBLICATION = 'bench_publication';

/** Logical replication of one table by pgoutput, with pg-logical-replication. The slot exists only while it is used. */
export async function open({ adminUrl, tables: [table = ''] }: ContestantOptions): Promise<Contestant> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  await admin.query(`drop publication if exists ${PUBLICATION}`);
  await admin.query(`create publication ${PUBLICATION} for table ${table}`);
  const reader = new SlotReader(adminUrl, admin);
  const run = async (workload: Workload): Promise<Measurement> => {
    if (workload.operation === 'backlog') return backlog(reader, admin, workload);
    if (workload.operation === 'unsubscribe') await reader.stop();
    else {
      await reader.makeSlot();
      await reader.start(() => {});
    }
    return figureOf(0);
  };
  return {
    run,
    close: async () => {
      await reader.stop();
      await admin.end();
    },
  };
}

/** Changes per second for a reader whose slot has kept them. */
async function backlog(reader: SlotReader, admin: pg.Client, { table, size }: Workload): Promise<Measurement> {
  await reader.makeSlot();
  await insertMachines(admin, table, size);
  const all = Promise.withResolvers<void>();
  let delivered = 0;
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await reader.start(() => {
    if (++delivered === size) all.resolve();
  });
  await all.promise;
  const measurement = measured(size, startedAt, cpu);
  await reader.stop();
  return measurement;
}

class SlotReader {
  readonly #url: string;
  readonly #admin: pg.Client;
  readonly #slot = `bench_${process.pid}`;
  #service: LogicalReplicationService | undefined;
  #hasSlot = false;

  constructor(url: string, admin: pg.Client) {
    this.#url = url;
    this.#admin = admin;
  }

  async makeSlot(): Promise<void> {
    await this.#admin.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [this.#slot]);
    this.#hasSlot = true;
  }

  async start(onInsert: () => void): Promise<void> {
    const service = new LogicalReplicationService({ connectionString: this.#url });
    this.#service = service;
    service.on('data', (_lsn: string, message: { tag: string }) => {
      if (message.tag === 'insert') onInsert();
    });
    service.on('error', (error: Error) => console.error(`logical replication: ${error.message}`));
    const started = new Promise((resolve) => service.once('start', resolve));
    service
      .subscribe(new PgoutputPlugin({ protoVersion: 1, publicationNames: [PUBLICATION] }), this.#slot)
      .catch(() => {});
    await started;
  }

  async stop(): Promise<void> {
    await this.#service?.destroy();
    this.#service = undefined;
    if (!this.#hasSlot) return;
    await this.#released();
    await this.#admin.query('select pg_drop_replication_slot($1)', [this.#slot]);
    this.#hasSlot = false;
  }

  /** The server releases the slot only after it has noticed that the reader is gone. */
  async #released(): Promise<void> {
    for (;;) {
      const { rows } = await this.#admin.query('select from pg_replication_slots where slot_name = $1 and active', [
        this.#slot,
      ]);
      if (rows.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
