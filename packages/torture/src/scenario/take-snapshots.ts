import { setTimeout as delay } from 'node:timers/promises';
import { readResources } from '../world/read-snapshot.ts';
import { asSuperuser, type World } from '../world/world.ts';

const EVERY_MS = 250;

/** Reads all resources every 250 ms and writes them to the history. While the server is down, it tries again. */
export function takeSnapshots(world: World): { stop(): Promise<void> } {
  let isStopped = false;
  const takeSnapshot = () =>
    asSuperuser(world, async (client) => {
      while (!isStopped && !world.signal.aborted) {
        world.history.write({ kind: 'snapshot', final: false, resources: await readResources(client, ['vm', 'sign']) });
        await delay(EVERY_MS);
      }
    });
  const running = (async () => {
    while (!isStopped && !world.signal.aborted) await takeSnapshot().catch(() => delay(EVERY_MS));
  })();
  return {
    stop: () => {
      isStopped = true;
      return running;
    },
  };
}
