import pg from 'pg';
import type { Contestant, ContestantOptions } from '../contestant/contestant.ts';
import { orgOf } from '../database/bench-table.ts';
import { median } from '../statistics.ts';

/** The name that the trigger on the notifying table rings. */
export const CHANNEL = 'bench_feed';

/** LISTEN on a row trigger's NOTIFY: as fast as Postgres itself tells of a change, and nothing kept for who was away. */
export async function open({ adminUrl, tables: [table = ''] }: ContestantOptions): Promise<Contestant> {
  const [listener, writer] = [new pg.Client(adminUrl), new pg.Client(adminUrl)];
  await listener.connect();
  await writer.connect();
  await listener.query(`listen ${CHANNEL}`);
  const heard = new Map<string, () => void>();
  listener.on('notification', ({ payload }) => heard.get(payload ?? '')?.());
  let count = 0;
  const latency = async (): Promise<number> => {
    const id = `latency-${process.pid}-${count++}`;
    const startedAt = performance.now();
    const arrival = new Promise<number>((resolve) => heard.set(id, () => resolve(performance.now())));
    await writer.query({
      name: 'insert',
      text: `insert into ${table} (org_id, id, name, region, cpus) values ($1, $2, 'a machine', 'us-west-1', 4)`,
      values: [orgOf(0), id],
    });
    const arrivedAt = await arrival;
    heard.delete(id);
    return arrivedAt - startedAt;
  };
  const run: Contestant['run'] = async ({ size }) => {
    const figures: number[] = [];
    while (figures.length < size) figures.push(await latency());
    return { value: median(figures), cpuMicros: 0 };
  };
  return {
    run,
    close: async () => {
      await writer.end();
      await listener.end();
    },
  };
}
