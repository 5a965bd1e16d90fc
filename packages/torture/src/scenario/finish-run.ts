import { monotonicMs } from '../history/history-writer.ts';
import { readCounts, readResources } from '../world/read-snapshot.ts';
import { asSuperuser, pause, type World } from '../world/world.ts';

const LIMIT_MS = 60_000;
/** REALIZED and DELETION_REALIZED. */
const WAITING = `
  select count(*)::int as waiting from enforcement_status_vm
  where realization_status not in (100, 200) and enforcement_point_id like 'E%'`;

/**
 * Stops the services, and waits until everything is realized and delivered. Then stops all processes, and reads the
 * tables for the last time.
 */
export async function finishRun(world: World): Promise<void> {
  const { cast, history, progress } = world;
  await cast.stop('service');
  await asSuperuser(world, async (client) => {
    const giveUpAt = monotonicMs() + LIMIT_MS;
    for (let quiet = 0; quiet < 3 && monotonicMs() < giveUpAt; ) {
      await pause(world, 100);
      const { rows } = await client.query<{ waiting: number }>(WAITING);
      const before = progress.deliveries;
      progress.update();
      quiet = rows[0]?.waiting === 0 && progress.deliveries === before ? quiet + 1 : 0;
    }
  });
  for (const role of ['worker', 'maintenance', 'subscriber'] as const) await cast.stop(role);
  await asSuperuser(world, async (client) => {
    history.write({ kind: 'snapshot', final: true, resources: await readResources(client, ['vm', 'sign']) });
    history.write({ kind: 'counts', counted: await readCounts(client) });
  });
}
