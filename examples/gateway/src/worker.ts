// The process beside one nginx: node src/worker.ts ID FOLDER PORT, with DATABASE_URL. Ends with SIGTERM.
import { setTimeout as delay } from 'node:timers/promises';
import { gatewayWorker, openControlPlane } from './control-plane.ts';

const [id = '', folder = '', port = ''] = process.argv.slice(2);
const plane = await openControlPlane(process.env['DATABASE_URL'] ?? '');

/** Set by the test that kills this process after it has written a file. */
const pauseMs = Number(process.env['GATEWAY_PAUSE_BEFORE_RELOAD_MS'] ?? 0);
const beforeReload = async () => {
  if (pauseMs === 0) return;
  console.log('written');
  await delay(pauseMs);
};

await gatewayWorker(plane, id, { folder, port: Number(port) }, { beforeReload }).start();
console.log('ready');
process.once('SIGTERM', () => void plane.close());
