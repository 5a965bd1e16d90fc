import pg from 'pg';
import type { Contestant, ContestantOptions } from '../contestant/contestant.ts';
import { idleCpu } from '../contestant/idle.ts';
import { figureOf } from '../contestant/load.ts';
import { orgOf } from '../database/bench-table.ts';
import { latencyFigure } from './feed/latency.ts';

/** The channel that the trigger of the notifying table uses. */
export const CHANNEL = 'bench_feed';

/**
 * LISTEN with a row trigger's NOTIFY: the lowest latency that Postgres offers, but nothing is stored for subscribers
 * that are away. One listening connection per process passes each notification to all handlers.
 */
export async function open({ adminUrl, tables: [table = ''] }: ContestantOptions): Promise<Contestant> {
  const [listener, writer] = [new pg.Client(adminUrl), new pg.Client(adminUrl)];
  await listener.connect();
  await writer.connect();
  await listener.query(`listen ${CHANNEL}`);
  const heard = new Map<string, () => void>();
  const further: (() => void)[] = [];
  listener.on('notification', ({ payload }) => {
    heard.get(payload ?? '')?.();
    for (const handle of further) handle();
  });
  const probe = async (id: string): Promise<number> => {
    const arrival = new Promise<number>((resolve) => heard.set(id, () => resolve(performance.now())));
    await writer.query({
      name: 'insert',
      text: `insert into ${table} (org_id, id, name, region, cpus) values ($1, $2, 'a machine', 'us-west-1', 4)`,
      values: [orgOf(0), id],
    });
    const arrivedAt = await arrival;
    heard.delete(id);
    return arrivedAt;
  };
  const run: Contestant['run'] = async (workload) => {
    if (workload.operation === 'idle') return idleCpu(workload.durationMs);
    if (workload.operation === 'subscribe') {
      while (further.length < workload.size) further.push(() => {});
      return figureOf(workload.size);
    }
    if (workload.operation === 'unsubscribe') return figureOf(further.splice(0).length);
    return latencyFigure(workload, probe);
  };
  return {
    run,
    close: async () => {
      await writer.end();
      await listener.end();
    },
  };
}
